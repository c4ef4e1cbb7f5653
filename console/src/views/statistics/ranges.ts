/** The spans a statistic may cover, as the address bar names them. */
export const RANGES = { '24h': 24, '7d': 7 * 24, '30d': 30 * 24 } as const
export type Range = keyof typeof RANGES
export type By = 'hour' | 'day'

const HOUR_MS = 3_600_000
export const rangeIn = (value: unknown): Range => (typeof value === 'string' && value in RANGES ? (value as Range) : '24h')
/** Without a choice a day is shown by hours, more by days. */
export const byIn = (value: unknown, range: Range): By => (value === 'hour' || value === 'day' ? value : range === '24h' ? 'hour' : 'day')
export const spanOf = (range: Range, now: number): { since: Date; until: Date } => ({ since: new Date(now - RANGES[range] * HOUR_MS), until: new Date(now) })
