/** Which community needs attention first. Pure: the page only draws. */
import type { Ranked } from '@/api/links'
import { agoText, spanText } from '@/components/time'
import { isCut, lowerStanding, trouble, type Standing } from '@/views/links/standing'

/** Below this share of devices online a community needs attention. */
export const LEAST_ONLINE = 0.9
export const WHICH = ['all', 'trouble'] as const
export type Which = (typeof WHICH)[number]

export const onlineRate = (of: Ranked): number | null => of.online_rate ?? (of.total ? of.online / of.total : null)

export const percent = (of: Ranked): string => { const rate = onlineRate(of); return rate === null ? '—' : `${Math.floor(rate * 1000) / 10}%` }
export const few = (of: Ranked): boolean => (onlineRate(of) ?? 1) < LEAST_ONLINE

/** How late the rows are; of a cut link, since when nothing came. */
export function delayText(of: Ranked, standing: Standing | null, now: number): string {
  if (standing !== null && isCut(standing)) return of.last_seen_at ? agoText(of.last_seen_at, now) : ''
  return of.delay_s === null || standing === null ? '' : spanText(of.delay_s)
}

/** How warm a cell is drawn: 0 cool, 1 to look at, 2 to act on. Its words and numbers say the same. */
export type Heat = 0 | 1 | 2
const OLD_S = 300, TOO_OLD_S = 1_800
export function ageHeat(oldest: string | null | undefined, now: number): Heat {
  const seconds = oldest ? (now - Date.parse(oldest)) / 1000 : 0
  return seconds >= TOO_OLD_S ? 2 : seconds >= OLD_S ? 1 : 0
}
const FEW = 0.7
export const onlineHeat = (of: Ranked): Heat => ((onlineRate(of) ?? 1) < FEW ? 2 : few(of) ? 1 : 0)

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
