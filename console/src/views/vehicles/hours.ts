import type { HourCount } from '@/api/vehicles'

export const HOUR_MS = 3_600_000
export const WAYS = ['in', 'out', ''] as const
export type Way = (typeof WAYS)[number]
export interface Hourly { at: number[]; stacks: { way: Way; counts: number[] }[] }

/** One column for each hour, also where nothing passed; one stack for each way. */
export function hourly(items: readonly HourCount[], since: number, until: number): Hourly {
  const first = Math.floor(since / HOUR_MS) * HOUR_MS
  const columns = Math.max(0, Math.ceil((until - first) / HOUR_MS))
  const at = Array.from({ length: columns }, (_, index) => first + index * HOUR_MS)
  const stacks = WAYS.map((way) => ({ way, counts: at.map(() => 0) }))
  for (const each of items) {
    const column = Math.floor((Date.parse(each.at) - first) / HOUR_MS)
    const stack = stacks.find(({ way }) => way === each.direction) ?? stacks[2]!
    if (column >= 0 && column < columns) stack.counts[column]! += each.count
  }
  return { at, stacks }
}
