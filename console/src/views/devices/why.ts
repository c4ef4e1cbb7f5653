import type { Why } from '@/api/devices'

export interface Compared { field: string; expected: string; received: string; ok: boolean | null; words: { zh: string; en: string } | null }

const text = (value: unknown): string => (value === null || value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value))

/** One line per field: the server's findings where it has some, else what both sides name, side by side. */
export function compared(why: Why): Compared[] {
  if (why.findings?.length)
    return why.findings.map(({ field, expected, received, ok, zh, en }) => ({ field, expected: text(expected), received: text(received), ok, words: zh && en ? { zh, en } : null }))
  const fields = [...new Set([...Object.keys(why.expected), ...Object.keys(why.received ?? {})])]
  return fields.map((field) => {
    const [expected, received] = [text(why.expected[field]), text(why.received?.[field])]
    return { field, expected, received, ok: expected && received ? expected === received : null, words: null }
  })
}
