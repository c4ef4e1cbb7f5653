/** Which community needs attention first. Pure: the page only draws. */
import type { Ranked } from '@/api/links'
import { lowerStanding, trouble, type Standing } from '@/views/links/standing'

/** Below this share of devices online a community needs attention. */
export const LEAST_ONLINE = 0.9
export const WHICH = ['all', 'trouble'] as const
export type Which = (typeof WHICH)[number]

export const onlineRate = (of: Ranked): number | null => of.online_rate ?? (of.total ? of.online / of.total : null)

/** How the rows of a community arrive; null where its data is made here and travels nowhere. */
export function delivery(of: Ranked, here: string, now: number): Standing | null {
  if (!of.node || of.node === here) return null
  if (of.state === 'live' || of.state === 'late' || of.state === 'silent') return of.state
  return lowerStanding({ state: of.state ?? 'approved', last_seen_at: of.last_seen_at, delay_s: of.delay_s }, now)
}

export function inTrouble(of: Ranked, standing: Standing | null): boolean {
  return of.open_level_1 > 0 || trouble(standing) > 0 || (onlineRate(of) ?? 1) < LEAST_ONLINE
}

/** Open alarms of level 1 first, then cut and late links, then delay, then who has the fewest devices online; names last, so that equals stay put. */
export function ranked(all: readonly Ranked[], standing: (of: Ranked) => Standing | null): Ranked[] {
  return [...all].sort((a, b) => b.open_level_1 - a.open_level_1 || trouble(standing(b)) - trouble(standing(a)) || (b.delay_s ?? 0) - (a.delay_s ?? 0)
    || (onlineRate(a) ?? 1) - (onlineRate(b) ?? 1) || b.open - a.open || a.name.localeCompare(b.name, 'zh') || (a.site_id < b.site_id ? -1 : 1))
}
