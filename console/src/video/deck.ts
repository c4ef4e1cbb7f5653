/** One camera's recording, held to the clock of several: fetched where it is recorded, its flow kept within bounds. */
import * as api from '@/api/video'
import type { Timeline } from '@/api/video'
import { Player, type PlayerPort, type State } from './player'
import type { Standing, Track } from './step'
import { HOUR, segmentAt } from './timeline'

const LONGEST = 4 * HOUR, AGAIN_MS = 3_000, ENDED_AGAIN_MS = 500, FAILED_AGAIN_MS = 15_000
/** Seconds ahead at which the flow is stopped, and let go again; more at speed. */
const FULL_S = 20, THIN_S = 8

export interface DeckPort extends Omit<PlayerPort, 'open'> {
  timeline(): Timeline | null
  stands(as: Standing): void
}

export class Deck implements Track {
  readonly player: Player
  private from = 0
  private session = { since: 0, until: 0 }
  private askedAt = -Infinity
  private begun = false
  private flows = true
  private speed = 1
  private as: Standing | null = null

  constructor(private readonly video: HTMLVideoElement, private readonly channel: string, private readonly port: DeckPort) {
    this.player = new Player(video, 'main', { ...port, open: () => this.open(), now: () => port.now() }, false)
  }

  mediaAt(wall: number): number | null {
    const media = this.player.screen.walls.mediaAt(wall)
    return media !== null && this.player.screen.holds(media) ? media : null
  }
  recorded(wall: number): boolean | null {
    const known = this.port.timeline()
    return known && segmentAt(known, wall) !== null
  }
  over(): boolean { return this.state.name === 'failed' }
  at(): number { return this.video.currentTime }
  seek(media: number): void { this.video.currentTime = media }
  run(rate: number): void {
    if (Math.abs(this.video.playbackRate - rate) > 0.01) this.video.playbackRate = Math.min(16, Math.max(0.0625, rate))
    if (this.video.paused) void this.video.play().catch(() => undefined)
  }
  rest(): void { if (!this.video.paused) this.video.pause() }

  /** Ask for what is recorded from `wall` on, not more often than makes sense. */
  fetch(wall: number): void {
    this.from = wall
    this.askedAt = performance.now()
    if (this.recorded(wall) === false) return
    if (!this.flows) { this.flows = true; this.player.line.send({ type: 'resume' }) }
    if (this.player.line.open && this.session.since <= wall && wall < this.session.until) this.player.line.send({ type: 'seek', at: new Date(wall).toISOString() })
    else if (this.begun) this.player.again()
    else { this.begun = true; this.player.start() }
  }

  /** What the clock thinks of it; what it waits for and nobody brings is asked for. */
  stands(as: Standing, wall: number): void {
    if (as !== this.as) { this.as = as; this.port.stands(as) }
    const patience = as === 'waiting' ? (this.state.name === 'ended' ? ENDED_AGAIN_MS : AGAIN_MS) : as === 'over' ? FAILED_AGAIN_MS : Infinity
    if (performance.now() - this.askedAt > patience && !this.comes(wall)) this.fetch(wall)
  }

  setSpeed(speed: number): void {
    this.speed = speed
    this.player.line.send({ type: 'speed', value: speed })
  }

  /** Let the server send while little is ahead, and rest while much is. */
  flow(): void {
    const ahead = this.player.screen.end - this.video.currentTime
    const full = ahead > Math.max(FULL_S, 6 * this.speed), thin = ahead < Math.max(THIN_S, 3 * this.speed)
    if (this.flows && full) { this.flows = false; this.player.line.send({ type: 'pause' }) }
    else if (!this.flows && thin) { this.flows = true; this.player.line.send({ type: 'resume' }) }
  }

  /** A new session knows nothing of the speed chosen before. */
  began(): void { if (this.speed !== 1) this.player.line.send({ type: 'speed', value: this.speed }) }
  stop(): void { this.player.stop() }

  private get state(): State { return this.player.state }
  /** Whether what is wanted is on its way: asked for lately, or flowing towards it. */
  private comes(wall: number): boolean {
    if (this.state.name === 'ended' || this.state.name === 'failed') return false
    const { walls, end } = this.player.screen
    const last = end > 0 ? walls.wallAt(end) : null
    return last !== null && last <= wall && wall - last < 10_000 * Math.max(1, this.speed)
  }

  private open(): Promise<{ url: string }> {
    const { from } = this, source = segmentAt(this.port.timeline(), from)?.source ?? 'platform'
    const until = Math.max(from + 1000, Math.min(from + LONGEST, this.port.now()))
    this.session = { since: from, until }
    return api.playback(this.channel, new Date(from).toISOString(), new Date(until).toISOString(), source)
  }
}
