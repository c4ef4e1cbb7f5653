/** Feeds one SourceBuffer: queues while it updates, joins what waits, removes what is old, starts over for another stream. */
import { decodeTime, timescale } from './wire'

type Bytes = Uint8Array<ArrayBuffer>
type Job = { bytes: Bytes; offset?: number } | { init: Bytes; mime: string } | { drop: [from: number, to: number] }
/** So much waiting means that the decoder stands still: what waits is thrown away and a key frame waited for. */
const MOST_WAITING = 600
/** Between the last picture of one stream and the first of the next. */
const SEAM_S = 0.04

export interface PumpPort {
  /** Something was appended or removed. */
  moved(): void
  /** It takes nothing any more: a new MediaSource is needed. */
  broken(error: unknown): void
}

export class Pump {
  private readonly jobs: Job[] = []
  private scale = 90_000
  /** Added to a fragment's own time: every stream of this pane continues one time line that begins at 0. */
  private offset: number | null = null
  private tail = 0
  private mime: string

  constructor(private readonly source: MediaSource, private readonly buffer: SourceBuffer, mime: string, private readonly port: PumpPort) {
    this.mime = mime
    buffer.addEventListener('updateend', () => { port.moved(); this.next() })
    buffer.addEventListener('error', () => port.broken(new Error('the decoder refused the data')))
  }

  get waiting(): number { return this.jobs.length }
  get start(): number { return this.ranges?.length ? this.ranges.start(0) : 0 }
  get end(): number { return this.ranges?.length ? this.ranges.end(this.ranges.length - 1) : 0 }
  get ranges(): TimeRanges | null { return this.source.readyState === 'open' ? this.buffer.buffered : null }

  init(bytes: Bytes, mime: string): void {
    this.scale = timescale(bytes)
    this.offset = null
    this.push({ init: bytes, mime })
  }

  /** Take a fragment; returns the second it will stand at, null where its time cannot be read. */
  fragment(bytes: Bytes): number | null {
    const ticks = decodeTime(bytes)
    if (ticks === null) return null
    const own = ticks / this.scale, fresh = this.offset === null
    const offset = this.offset ?? (this.tail > 0 ? Math.max(this.tail + SEAM_S, this.end) : 0) - own
    this.offset = offset
    this.tail = own + offset
    this.push(fresh ? { bytes, offset } : { bytes })
    return own + offset
  }

  drop(from: number, to: number): void { if (to > from && this.source.readyState === 'open') this.push({ drop: [from, to] }) }

  private push(job: Job): void {
    if (this.jobs.length >= MOST_WAITING) { this.port.broken(new Error('the decoder does not keep up')); return }
    this.jobs.push(job)
    this.next()
  }

  private next(): void {
    if (this.buffer.updating || this.source.readyState !== 'open' || !this.jobs.length) return
    try { this.do(this.jobs.shift() as Job) } catch (error) { this.port.broken(error) }
  }

  private do(job: Job): void {
    if ('drop' in job) { this.buffer.remove(...job.drop); return }
    if ('init' in job) {
      if (job.mime !== this.mime) { this.buffer.changeType(job.mime); this.mime = job.mime }
      this.buffer.appendBuffer(job.init)
      return
    }
    if (job.offset !== undefined) this.buffer.timestampOffset = job.offset
    this.buffer.appendBuffer(this.joined(job.bytes))
  }

  /** What waits behind it goes in at once: one append costs more than a frame. */
  private joined(first: Bytes): Bytes {
    const parts = [first]
    for (let next = this.jobs[0]; next && 'bytes' in next && next.offset === undefined; next = this.jobs[0]) { parts.push(next.bytes); this.jobs.shift() }
    if (parts.length === 1) return first
    const whole = new Uint8Array(parts.reduce((sum, each) => sum + each.length, 0))
    let at = 0
    for (const each of parts) { whole.set(each, at); at += each.length }
    return whole
  }
}
