/** Keys of playback; pure over a port. */
import { isPressable, isTyping } from '@/alarms/keys'

export interface PlayPort {
  toggle(): void
  slower(): void
  stop(): void
  faster(): void
  frame(step: 1 | -1): void
  jump(seconds: number): void
  mark(which: 'in' | 'out'): void
  cut(): void
  snapshot(): void
  full(): void
}
type Press = Pick<KeyboardEvent, 'key' | 'shiftKey' | 'ctrlKey' | 'altKey' | 'metaKey' | 'target'>

/** Return true when the key was used. */
export function playKey(event: Press, port: PlayPort): boolean {
  if (isTyping(event.target) || isPressable(event.target, event.key) || event.ctrlKey || event.altKey || event.metaKey) return false
  const far = event.shiftKey ? 60 : 10
  const acts: Record<string, () => void> = {
    ' ': () => port.toggle(), j: () => port.slower(), k: () => port.stop(), l: () => port.faster(), ',': () => port.frame(-1), '.': () => port.frame(1),
    arrowleft: () => port.jump(-far), arrowright: () => port.jump(far), i: () => port.mark('in'), o: () => port.mark('out'), e: () => port.cut(), s: () => port.snapshot(), f: () => port.full(),
  }
  const does = acts[event.key.toLowerCase()]
  does?.()
  return does !== undefined
}
