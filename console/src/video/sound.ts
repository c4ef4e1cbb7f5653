/** A-law at 8 kHz to the loudspeaker. A packet is scheduled right behind the one before it; too late or too far ahead starts anew. */
const RATE = 8_000, LEAD_S = 0.12, MOST_AHEAD_S = 0.6

/** One byte of G.711 A-law as a sample of -1..1. Source: ITU-T G.711 table 1a. */
export function expand(byte: number): number {
  const bits = byte ^ 0x55, exponent = (bits >> 4) & 7, mantissa = bits & 15
  const size = exponent === 0 ? (mantissa << 4) + 8 : ((mantissa << 4) + 0x108) << (exponent - 1)
  return (bits & 0x80 ? size : -size) / 32_768
}
const TABLE = Float32Array.from({ length: 256 }, (_, byte) => expand(byte))

export function decode(bytes: Uint8Array): Float32Array<ArrayBuffer> {
  const samples = new Float32Array(bytes.length)
  for (let at = 0; at < bytes.length; at++) samples[at] = TABLE[bytes[at] as number] as number
  return samples
}

let context: AudioContext | null = null

/** The sound of one picture; silent until it is switched on by a click or a key, as browsers ask. */
export class Sound {
  private next = 0
  on = false

  async switch(on: boolean): Promise<boolean> {
    this.on = on
    this.next = 0
    if (!on) return true
    try {
      context ??= new AudioContext()
      if (context.state !== 'running') await context.resume()
    } catch { this.on = false }
    return this.on
  }

  play(bytes: Uint8Array): void {
    if (!this.on || context?.state !== 'running' || !bytes.length) return
    const now = context.currentTime
    if (this.next < now || this.next > now + MOST_AHEAD_S) this.next = now + LEAD_S
    const buffer = context.createBuffer(1, bytes.length, RATE)
    buffer.copyToChannel(decode(bytes), 0)
    const source = context.createBufferSource()
    source.buffer = buffer
    source.connect(context.destination)
    source.start(this.next)
    this.next += bytes.length / RATE
  }
}
