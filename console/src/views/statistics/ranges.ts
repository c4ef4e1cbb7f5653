import { bucket } from './series'

/** The spans a statistic may cover, as the address bar names them. */
export const RANGES = { '24h': 24, '7d': 7 * 24, '30d': 30 * 24 } as const
export type Range = keyof typeof RANGES
export type By = 'hour' | 'day'

const HOUR_MS = 3_600_000
export const rangeIn = (value: unknown): Range => (typeof value === 'string' && value in RANGES ? (value as Range) : '24h')
/** Without a choice a day is shown by hours, more by days. */
export const byIn = (value: unknown, range: Range): By => (value === 'hour' || value === 'day' ? value : range === '24h' ? 'hour' : 'day')
/** Whole hours or days up to now: the running one is the last. */
export function spanOf(range: Range, by: By, now: number): { since: Date; until: Date } {
  const hours = by === 'hour' ? RANGES[range] - 1 : Math.max(RANGES[range] - 24, 24)
  return { since: bucket(new Date(now - hours * HOUR_MS), by), until: new Date(now) }
}
