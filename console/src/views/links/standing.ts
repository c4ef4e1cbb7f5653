/** How a link stands, why, and whether a day's accounts are even. Pure: the pages only draw. */
import type { Reconciled } from '@/api/links'

export type Standing = 'unconfirmed' | 'waiting' | 'live' | 'late' | 'away' | 'silent' | 'refused' | 'pending' | 'revoked'
/** A node below gives a sign of life every 5 s: after four missed ones it is silent. */
export const SILENT_S = 20
/** Rows that wait longer than this are late. */
export const LATE_S = 30

export interface Heard { state: string; last_seen_at?: string | null; delay_s?: number | null }

export function lowerStanding(of: Heard, now: number): Standing {
  if (of.state === 'pending' || of.state === 'revoked') return of.state
  if (!of.last_seen_at || now - Date.parse(of.last_seen_at) > SILENT_S * 1000) return 'silent'
  return (of.delay_s ?? 0) > LATE_S ? 'late' : 'live'
}

const UPPER: readonly string[] = ['unconfirmed', 'waiting', 'live', 'away', 'refused']
export function upperStanding(of: Heard): Standing {
  if (of.state === 'live') return (of.delay_s ?? 0) > LATE_S ? 'late' : 'live'
  return UPPER.includes(of.state) ? (of.state as Standing) : 'away'
}

/** Standings on which a person has to act, or which keep data from arriving. */
export const isCut = (standing: Standing): boolean => ['away', 'silent', 'refused', 'revoked'].includes(standing)

const REASONS: readonly (readonly [string, RegExp])[] = [
  ['pending', /^pending$/], ['revoked', /^revoked$/], ['unknown', /^unknown$/], ['clock', /^clock$/], ['replayed', /^replayed$/],
  ['other_certificate', /certificate/i], ['busy', /\b(503|429|busy|too_many)\b/], ['timeout', /time(d )?[- ]?out/i],
  ['name', /name or service|getaddrinfo|resolve|nodename/i], ['unreachable', /connect|refused|unreachable|reset|closed|disconnected/i],
]
/** The key of the words for a link's reason; null where only the reason itself can be shown. */
export function reasonKey(reason: string | null | undefined): string | null {
  return (reason && REASONS.find(([, pattern]) => pattern.test(reason))?.[0]) || null
}

export const FATES = ['kept', 'duplicate', 'held', 'dropped'] as const
export type FateCounts = Record<(typeof FATES)[number], number>
export function fates(of: Reconciled): FateCounts {
  return Object.fromEntries(FATES.map((fate) => [fate, of.fates?.[fate] ?? of[fate] ?? 0])) as FateCounts
}
/** Rows sent below that have no fate here; 0 where the accounts are even, below 0 where more came than was sent. */
export const difference = (of: Reconciled): number => of.sent - FATES.reduce((sum, fate) => sum + fates(of)[fate], 0)

export interface DaySum { day: string; sent: number; uneven: number }
/** One sum for each day that was compared, the newest first: rows sent, and accounts of a node and kind that differ. */
export function daySums(rows: readonly Reconciled[], whole = '*'): DaySum[] {
  const found = new Map<string, DaySum>()
  for (const each of rows) {
    const of = found.get(each.day) ?? { day: each.day, sent: 0, uneven: 0 }
    if (each.kind === whole) of.sent += each.sent
    else if (difference(each)) of.uneven++
    found.set(each.day, of)
  }
  return [...found.values()].sort((a, b) => (a.day < b.day ? 1 : -1))
}

/** The day before the one ``now`` lies in, by UTC: days are reconciled once they are over. */
export const lastDay = (now: number): string => new Date(now - 86_400_000).toISOString().slice(0, 10)

export const secondsLeft = (until: string, now: number): number => Math.max(0, Math.ceil((Date.parse(until) - now) / 1000))

/** How much a standing calls for a person: 2 where the link is cut, 1 where rows are late. */
export const trouble = (standing: Standing | null): number => (standing === null ? 0 : isCut(standing) ? 2 : standing === 'late' ? 1 : 0)

/** Stroke of a lane: the more waits in it, the thicker. */
export const girth = (waiting: number): number => Math.min(9, 2 + Math.log2(1 + Math.max(0, waiting)) * 0.6)
