/** One video element fed by fragments: begins at the newest picture, stays close to it, goes back in what it kept. */
import { KEPT_S, LEAD_S, chase, stale } from './chase'
import { Pump } from './pump'
import { Walls } from './walls'
import type { Chunk, Init } from './wire'

export interface ScreenPort {
  /** The first picture of this stream is on the glass. */
  shown(): void
  /** Nothing can be shown any more without a new stream. */
  broken(error: unknown): void
}
/** At the beginning the whole group of pictures comes at once: follow its end closely. */
const SETTLE_MS = 1_500, SETTLE_S = 0.25
const KEPT_PLAYBACK_S = 15

export const mimeOf = (codec: string): string => `video/mp4; codecs="${codec}"`
export const playable = (codec: string): boolean => 'MediaSource' in globalThis && MediaSource.isTypeSupported(mimeOf(codec))

export class Screen {
  readonly walls = new Walls()
  private media: MediaSource | null = null
  private pump: Pump | null = null
  private address = ''
  private early: Chunk[] = []
  private begunAt = 0
  private waitsForShown = false
  /** Looks at what was: neither chased nor jumped. */
  back = false
  /** Live pictures are chased; a recording runs at the speed it was told. `kept`: seconds behind the picture. */
  constructor(private readonly video: HTMLVideoElement, private readonly live: boolean, private readonly port: ScreenPort, private readonly kept = live ? KEPT_S : KEPT_PLAYBACK_S) {}

  get end(): number { return this.pump?.end ?? 0 }
  get start(): number { return this.pump?.start ?? 0 }
  /** Unix ms of the picture on the glass; null before the first. */
  get wall(): number | null { return this.end > 0 ? this.walls.wallAt(this.video.currentTime) : null }

  /** Another stream begins; what came before stays to go back to. */
  begin(init: Init): void {
    this.codec = init.codec
    this.waitsForShown = true
    if (!this.media) this.build()
  }
  private codec = ''

  take(chunk: Chunk): void {
    if (!this.pump) { if (this.early.length < 400) this.early.push(chunk); return }
    if (chunk.kind === 0) { this.pump.init(chunk.body, mimeOf(this.codec)); this.begunAt = 0; return }
    const at = this.pump.fragment(chunk.body)
    if (at !== null) this.walls.note(at, chunk.wall)
  }

  clear(): void {
    this.pump = null
    this.early = []
    this.walls.clear()
    this.media = null
    this.begunAt = 0
    if (this.address) URL.revokeObjectURL(this.address)
    this.address = ''
  }

  close(): void {
    this.clear()
    this.video.removeAttribute('src')
    this.video.load()
  }

  /** Called a few times a second: close to live, and no more kept than wanted. */
  tick(): void {
    const { pump, video } = this
    if (!pump || !this.begunAt) return
    const until = stale(pump.start, video.currentTime, this.kept)
    if (until !== null) pump.drop(0, until)
    if (!this.live || this.back || video.seeking) return
    if (video.paused) void video.play().catch(() => undefined)
    const move = chase(video.currentTime, pump.end, video.playbackRate)
    if (move && 'jump' in move) { video.playbackRate = 1; video.currentTime = move.jump } else if (move) video.playbackRate = move.rate
  }

  /** Whether a media second is there to be shown. */
  holds(media: number): boolean {
    const ranges = this.pump?.ranges
    for (let at = 0; at < (ranges?.length ?? 0); at++) if (ranges!.start(at) - 0.05 <= media && media < ranges!.end(at)) return true
    return false
  }

  private build(): void {
    const media = new MediaSource(), { codec } = this
    this.media = media
    this.address = URL.createObjectURL(media)
    media.addEventListener('sourceopen', () => {
      if (media !== this.media) return
      try {
        const buffer = media.addSourceBuffer(mimeOf(codec))
        this.pump = new Pump(media, buffer, mimeOf(codec), { moved: () => this.moved(), broken: (error) => { if (media === this.media) this.port.broken(error) } })
      } catch (error) { this.port.broken(error); return }
      for (const each of this.early.splice(0)) this.take(each)
    }, { once: true })
    this.video.src = this.address
  }

  private moved(): void {
    const { pump, video } = this
    if (!pump || !pump.ranges?.length) return
    if (video.error) { this.port.broken(video.error); return }
    if (!this.begunAt) this.first(pump)
    else if (this.live && !this.back && performance.now() - this.begunAt < SETTLE_MS && pump.end - video.currentTime > SETTLE_S && !video.seeking) video.currentTime = pump.end - LEAD_S
  }

  private first(pump: Pump): void {
    this.begunAt = performance.now()
    const { video } = this
    if (this.waitsForShown) { this.waitsForShown = false; video.requestVideoFrameCallback(() => this.port.shown()) }
    if (this.back) return
    video.currentTime = this.live ? Math.max(pump.start, pump.end - LEAD_S) : Math.max(pump.start, video.currentTime)
    if (this.live) void video.play().catch(() => undefined)
  }
}
