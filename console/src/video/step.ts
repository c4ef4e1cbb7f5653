/**
 * Several recordings in step: one clock, each picture held to it. Pure over small ports, so that tests need no browser.
 *
 * A picture that has nothing yet makes all wait for a while; one that has nothing recorded at this moment makes nobody
 * wait.
 */
export const SPEEDS = [0.125, 0.25, 0.5, 1, 2, 4, 8, 16] as const
export const FRAME_MS = 40
const STILL_S = 0.02, PATIENCE_MS = 6_000, JUMP_S = 0.5, NUDGE = 0.5, MOST_NUDGE = 0.15

/** One picture, as the clock sees it. */
export interface Track {
  /** The media second that shows `wall`, if it is there to be shown. */
  mediaAt(wall: number): number | null
  /** Whether something is recorded then; null while nobody knows. */
  recorded(wall: number): boolean | null
  /** It ended, or cannot: nobody waits for it. */
  over(): boolean
  at(): number
  seek(media: number): void
  run(rate: number): void
  rest(): void
  /** Get what is recorded from `wall` on. */
  fetch(wall: number): void
  /** Told when its standing changes. */
  stands(as: Standing, wall: number): void
}
export type Standing = 'shown' | 'gap' | 'waiting' | 'over'

export class Step {
  speed = 1
  playing = false
  private last = 0
  private readonly waitingSince = new Map<Track, number>()

  constructor(public wall: number, private readonly tracks: () => readonly Track[]) {}

  play(now: number): void { this.playing = true; this.last = now }
  pause(): void { this.playing = false }
  /** Go to a moment: what is there already is shown at once, the rest is fetched. */
  seek(wall: number): void {
    this.wall = wall
    this.waitingSince.clear()
    for (const each of this.tracks()) this.place(each, true)
  }

  /** Called a few times a second. `until`: the clock never runs past it. */
  tick(now: number, until: number): void {
    const passed = now - this.last
    this.last = now
    const standings = this.tracks().map((each) => this.look(each, now))
    const held = standings.some(({ track, as }) => as === 'waiting' && now - (this.waitingSince.get(track) ?? now) < PATIENCE_MS)
    if (!this.playing) { for (const { track, as } of standings) if (as === 'shown') this.still(track); return }
    if (held || !standings.length) { for (const { track } of standings) track.rest(); return }
    this.wall = Math.min(until, this.wall + passed * this.speed)
    for (const { track, as } of standings) if (as === 'shown') this.hold(track)
  }

  private look(track: Track, now: number): { track: Track; as: Standing } {
    const as = this.standing(track)
    if (as === 'waiting') { if (!this.waitingSince.has(track)) this.waitingSince.set(track, now) } else this.waitingSince.delete(track)
    if (as !== 'shown' || !this.playing) track.rest()
    track.stands(as, this.wall)
    return { track, as }
  }

  private standing(track: Track): Standing {
    if (track.mediaAt(this.wall) !== null) return 'shown'
    if (track.recorded(this.wall) === false) return 'gap'
    return track.over() ? 'over' : 'waiting'
  }

  /** While the clock stands, each picture shows that very moment. */
  private still(track: Track): void {
    const media = track.mediaAt(this.wall)
    if (media !== null && Math.abs(track.at() - media) > STILL_S) track.seek(media)
  }

  private place(track: Track, fetch: boolean): void {
    const media = track.mediaAt(this.wall)
    if (media !== null) track.seek(media)
    else if (fetch) track.fetch(this.wall)
  }

  /** Small differences are made good by pace, great ones by a jump. */
  private hold(track: Track): void {
    const media = track.mediaAt(this.wall)
    if (media === null) return
    const ahead = track.at() - media
    if (Math.abs(ahead) > JUMP_S * Math.max(1, this.speed)) { track.seek(media); track.run(this.speed); return }
    track.run(this.speed * (1 - Math.min(MOST_NUDGE, Math.max(-MOST_NUDGE, (ahead * NUDGE) / Math.max(1, this.speed)))))
  }
}
