import type { Bar } from '@/api/statistics'

export interface Stack { key: string; counts: number[] }
export interface Stacked { at: string[]; stacks: Stack[]; total: number }

const HOUR_MS = 3_600_000

/** Start of the local hour or day that holds ``at``. */
export function bucket(at: Date, by: 'hour' | 'day'): Date {
  const start = new Date(at)
  start.setMinutes(0, 0, 0)
  if (by === 'day') start.setHours(0)
  return start
}

function following(at: Date, by: 'hour' | 'day'): Date {
  if (by === 'hour') return new Date(at.getTime() + HOUR_MS)
  const next = new Date(at)
  next.setDate(next.getDate() + 1)
  return next
}

/** One column per hour or day, also where nothing happened; one stack per level or kind, in ``order`` and then by name. */
export function stacked(bars: Bar[], of: 'level' | 'kind' | 'label', by: 'hour' | 'day', since: Date, until: Date, order: string[] = []): Stacked {
  const at: string[] = []
  for (let each = bucket(since, by); each < until && at.length < 2000; each = following(each, by)) at.push(each.toISOString())
  const column = new Map(at.map((each, index) => [each, index]))
  const stacks = new Map<string, number[]>()
  let total = 0
  for (const bar of bars) {
    const index = column.get(bucket(new Date(bar.at), by).toISOString())
    if (index === undefined) continue
    const key = String(bar[of] ?? '')
    const counts = stacks.get(key) ?? stacks.set(key, at.map(() => 0)).get(key)!
    counts[index]! += bar.count
    total += bar.count
  }
  const place = (key: string): number => (order.indexOf(key) + 1 || order.length + 1)
  const keys = [...stacks.keys()].sort((a, b) => place(a) - place(b) || (a < b ? -1 : 1))
  return { at, stacks: keys.map((key) => ({ key, counts: stacks.get(key)! })), total }
}

/** The time a column stands for, as the query of the rows behind it. */
export function behind(at: string, by: 'hour' | 'day'): { since: string; until: string } {
  const start = new Date(at)
  return { since: start.toISOString(), until: following(start, by).toISOString() }
}
