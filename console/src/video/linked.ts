/** Which cameras belong to an alarm: those where it was raised or inside; else those of the nearest place above. */
import type { Channel } from '@/api/video'

export const MOST_LINKED = 4
/** Places to ask for cameras, nearest first: the alarm's own, then those above it up to its community. */
export function placesUp(placePath: string, placeId: string, siteId: string): string[] {
  const ids = placePath.split('/').filter(Boolean)
  const from = ids.lastIndexOf(siteId)
  const inside = from >= 0 ? ids.slice(from) : ids.slice(-1)
  return [...new Set([placeId, ...inside.reverse()])].filter(Boolean)
}

/** The best first: those with a picture before those without, those that can be turned before the fixed. */
export function best(channels: readonly Channel[]): Channel[] {
  const rank = (each: Channel) => (each.state === 'online' ? 0 : 2) + (each.ptz ? 0 : 1)
  return [...channels].sort((a, b) => rank(a) - rank(b)).slice(0, MOST_LINKED)
}
