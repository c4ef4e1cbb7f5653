/** Alarms of the last 24 hours by level, an hour each, from the server's series. Pure. */
import type { Bar } from '@/api/statistics'

export const HOURS = 24
const HOUR_MS = 3_600_000

/** Starts of the last 24 hours, the present one last. */
export function hours(now: number): number[] {
  const last = Math.floor(now / HOUR_MS) * HOUR_MS
  return Array.from({ length: HOURS }, (_, index) => last - (HOURS - 1 - index) * HOUR_MS)
}

/** Counts of one level for each of `starts`; several kinds of an hour add up. */
export function counts(bars: readonly Bar[], level: number, starts: readonly number[]): number[] {
  const sums = new Map<number, number>()
  for (const each of bars) {
    if (each.level !== level) continue
    const start = Math.floor(Date.parse(each.at) / HOUR_MS) * HOUR_MS
    sums.set(start, (sums.get(start) ?? 0) + each.count)
  }
  return starts.map((each) => sums.get(each) ?? 0)
}
export const total = (bars: readonly Bar[]): number => bars.reduce((sum, each) => sum + each.count, 0)
