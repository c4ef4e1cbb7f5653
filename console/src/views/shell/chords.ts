/** Keys of the whole console: `g` and a letter, `/`, `?`, `M`. Pure over a port. */
import { isTyping } from '@/alarms/keys'
import type { PageEntry } from '@/router/pages'

export interface ChordPort {
  pages(): readonly Pick<PageEntry, 'name' | 'jump'>[]
  go(name: string): void
  search(): void
  help(): void
  mute(): void
}
type Press = Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'altKey' | 'metaKey' | 'target'>
const CHORD_MS = 1_500

export class Chords {
  private begun = -Infinity

  constructor(private readonly port: ChordPort, private readonly now: () => number = () => Date.now()) {}

  /** Return true when the key was used. */
  press(event: Press): boolean {
    if (isTyping(event.target) || event.ctrlKey || event.altKey || event.metaKey) return false
    const key = event.key.toLowerCase()
    if (this.now() - this.begun < CHORD_MS && key.length === 1) return this.finish(key)
    if (key === 'g') { this.begun = this.now(); return true }
    const does = { '/': () => this.port.search(), '?': () => this.port.help(), m: () => this.port.mute() }[key]
    does?.()
    return does !== undefined
  }

  private finish(letter: string): boolean {
    this.begun = -Infinity
    const page = this.port.pages().find((each) => each.jump === letter)
    if (page) this.port.go(page.name)
    return page !== undefined
  }
}
