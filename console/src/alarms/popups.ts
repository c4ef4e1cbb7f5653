/** Which alarm opens by itself, which wait, and where `[` and `]` lead. Pure. */
import type { Alarm } from '@/api/types'
import { inOrder, isOpen, isWaiting, popsUp } from './list'

export interface Desk { shown: string | null; dismissed: ReadonlySet<string>; storm: boolean }

/** Alarms that call for a pop-up, first the most urgent; in a flood one of each group. */
export function calling(alarms: Iterable<Alarm>, desk: Desk, now: number): Alarm[] {
  const waiting = inOrder([...alarms].filter((each) => popsUp(each) && isWaiting(each, now) && !desk.dismissed.has(each.id)))
  return desk.storm ? oneOfEach(waiting, desk.shown) : waiting
}

function oneOfEach(alarms: Alarm[], shown: string | null): Alarm[] {
  const seen = new Set<string>()
  const first = [...alarms].sort((a, b) => Number(b.id === shown) - Number(a.id === shown))
  const kept = new Set(first.filter((each) => {
    const key = each.storm_key ?? each.id
    if (seen.has(key)) return false
    seen.add(key)
    return true
  }).map((each) => each.id))
  return alarms.filter((each) => kept.has(each.id))
}

/** What should stand open now: what is shown stays while it is open, unless something more urgent calls. */
export function toShow(queue: readonly Alarm[], shown: Alarm | null): string | null {
  const first = queue[0]
  if (!first) return shown?.id ?? null
  if (!shown || !isOpen(shown)) return first.id
  return first.level < shown.level ? first.id : shown.id
}

/** The neighbour in `order`, round the ends; the first one where nothing is shown. */
export function neighbour(order: readonly Alarm[], shown: string | null, step: 1 | -1): string | null {
  if (!order.length) return null
  const at = order.findIndex((each) => each.id === shown)
  if (at < 0) return order[0]?.id ?? null
  return order[(at + step + order.length) % order.length]?.id ?? null
}

export interface Box { left: number; top: number; right: number; bottom: number }
export const overlap = (a: Box, b: Box): boolean => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom
/** A field that was typed in so lately is in use: nothing opens over it. */
export const TYPING_MS = 10_000

/** Whether the pop-up may open while `field` (the focused text field, if any) is on screen. */
export function mayOpen(popup: Box, field: Box | null, typedAgoMs: number): boolean {
  return field === null || !overlap(popup, field) || typedAgoMs > TYPING_MS
}
