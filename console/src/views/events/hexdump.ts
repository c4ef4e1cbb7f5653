/** Bytes as people read them: offset, sixteen bytes, what of it is printable. */
export function hexdump(bytes: Uint8Array, width = 16): string {
  const rows: string[] = []
  for (let at = 0; at < bytes.length; at += width) {
    const row = [...bytes.subarray(at, at + width)]
    const hex = row.map((each) => each.toString(16).padStart(2, '0')).join(' ').padEnd(width * 3 - 1)
    const text = row.map((each) => (each >= 0x20 && each < 0x7f ? String.fromCharCode(each) : '.')).join('')
    rows.push(`${at.toString(16).padStart(4, '0')}  ${hex}  ${text}`)
  }
  return rows.join('\n')
}

export function fromHex(text: string): Uint8Array {
  const digits = text.replace(/[^0-9a-f]/gi, '')
  return Uint8Array.from({ length: digits.length >> 1 }, (_, index) => parseInt(digits.slice(index * 2, index * 2 + 2), 16))
}

export function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (each) => each.charCodeAt(0))
}
