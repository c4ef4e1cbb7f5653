/** Keys of the picture wall; pure over a port. Digits choose the shape, letters act on the chosen pane. */
import { isTyping } from '@/alarms/keys'
import { isWay } from '@/video/ptz'

export interface WallPort {
  /** Whether arrow keys go to the camera. */
  ptz(): boolean
  move(held: ReadonlySet<string>, quick: boolean): void
  stop(): void
  shape(index: number): void
  preset(key: string): number | 'begun' | null
  call(preset: number): void
  back(seconds?: number): void
  forward(seconds: number): void
  live(): void
  snapshot(): void
  full(): void
  togglePtz(): void
  close(): void
  choose(step: number): void
  escape(): boolean
}
export type Press = Pick<KeyboardEvent, 'key' | 'repeat' | 'shiftKey' | 'ctrlKey' | 'altKey' | 'metaKey' | 'target'>

export class WallKeys {
  private readonly held = new Set<string>()
  constructor(private readonly port: WallPort) {}

  /** Return true when the key was used. */
  down(event: Press): boolean {
    if (isTyping(event.target) || event.ctrlKey || event.altKey || event.metaKey) return false
    if (this.port.ptz() && isWay(event.key)) return this.way(event)
    if (event.key.startsWith('Arrow')) return this.arrow(event)
    return !event.repeat && this.act(event)
  }

  up(event: Pick<KeyboardEvent, 'key' | 'shiftKey'>): void {
    if (!this.held.delete(event.key)) return
    if (this.held.size) this.port.move(this.held, event.shiftKey)
    else this.port.stop()
  }

  release(): void { if (this.held.size) { this.held.clear(); this.port.stop() } }

  private way(event: Press): boolean {
    if (this.held.has(event.key)) return true
    this.held.add(event.key)
    this.port.move(this.held, event.shiftKey)
    return true
  }

  private arrow({ key, shiftKey }: Press): boolean {
    if (key === 'ArrowLeft') this.port.back(shiftKey ? 60 : undefined)
    else if (key === 'ArrowRight') this.port.forward(shiftKey ? 60 : 10)
    else return false
    return true
  }

  private act({ key }: Press): boolean {
    const preset = this.port.preset(key)
    if (preset === 'begun') return true
    if (preset !== null) { this.port.call(preset); return true }
    if (/^[1-9]$/.test(key)) { this.port.shape(Number(key) - 1); return true }
    const acts: Record<string, () => void> = { l: () => this.port.live(), s: () => this.port.snapshot(), f: () => this.port.full(), c: () => this.port.togglePtz(), delete: () => this.port.close(), ',': () => this.port.choose(-1), '.': () => this.port.choose(1) }
    const does = acts[key.toLowerCase()]
    if (does) { does(); return true }
    return key === 'Escape' && this.port.escape()
  }
}
