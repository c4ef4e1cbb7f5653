/** Three keys handle an alarm: Space, a digit, Enter. Pure over a small port, so tests need no page. */
export interface KeyPort {
  /** Id of the alarm on screen at this moment. */
  shown(): string | null
  acknowledge(id: string): void
  finding(id: string, digit: number): void
  close(id: string): void
  walk(step: 1 | -1): void
  escape(): void
  undo(): void
}

export interface Press { key: string; repeat: boolean; ctrlKey: boolean; altKey: boolean; metaKey: boolean; target: EventTarget | null }

export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  return target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName) || target.closest('[role="dialog"]') !== null
}

/** A control reached by the keyboard keeps its own keys: Enter and Space press it. */
export function isPressable(target: EventTarget | null, key: string): boolean {
  if (!(target instanceof HTMLElement)) return false
  if (key === 'Enter') return target.closest('button, a[href], summary, [role="button"], [role="option"], [role="menuitem"]') !== null
  return key === ' ' && target.closest('button, summary, [role="button"], [role="switch"], [role="checkbox"]') !== null
}

/** After so long without a key the hand has left: the next key is meant for the alarm then shown. */
export const BOUND_MS = 10_000

/** Keys bind to the alarm shown at the first key-down and stay bound until closed, left, or long unused. */
export class AlarmKeys {
  bound: string | null = null
  private pressedAt = 0

  constructor(private readonly port: KeyPort, private readonly now: () => number = () => Date.now()) {}

  release(): void { this.bound = null }

  /** Return true when the key was used, so the page does not also scroll or click. */
  press(event: Press): boolean {
    if (isTyping(event.target) || event.ctrlKey || event.altKey || event.metaKey) return false
    if (event.key === '[' || event.key === ']') { this.release(); this.port.walk(event.key === ']' ? 1 : -1); return true }
    if (event.key === 'Escape') { this.release(); this.port.escape(); return true }
    if (event.key === 'z' || event.key === 'Z') { this.port.undo(); return true }
    if (isPressable(event.target, event.key)) return false
    const ours = event.key === ' ' || event.key === 'Enter' || /^[1-9]$/.test(event.key)
    if (!ours) return false
    if (event.repeat) return true
    if (this.now() - this.pressedAt > BOUND_MS) this.release()
    this.pressedAt = this.now()
    this.bound ??= this.port.shown()
    if (this.bound === null) return false
    this.act(event.key, this.bound)
    return true
  }

  private act(key: string, id: string): void {
    if (key === ' ') this.port.acknowledge(id)
    else if (key === 'Enter') { this.release(); this.port.close(id) }
    else this.port.finding(id, Number(key))
  }
}
