import type { Point } from './plane'

/** From the quietest to the one nobody may overlook; the order decides what a cluster shows. */
export const WORST = ['normal', 'unknown', 'offline', 'cut', 'level4', 'level3', 'level2', 'level1'] as const
export type Condition = (typeof WORST)[number]

export interface Standing { open_by_level?: Record<string, number>; open_level_1?: number; open?: number; online?: number; total?: number; state?: string }

/** What one community shows: its worst open alarm, else a cut link, else devices that are silent. */
export function condition(of: Standing): Condition {
  const levels = of.open_by_level ?? { 1: of.open_level_1 ?? 0 }
  for (const level of [1, 2, 3, 4] as const) if ((levels[level] ?? 0) > 0) return `level${level}`
  if ((of.open ?? 0) > 0) return 'level3'
  if (of.state && ['down', 'cut', 'offline', 'silent', 'revoked'].includes(of.state)) return 'cut'
  if (!of.total) return 'unknown'
  return (of.online ?? 0) < of.total ? 'offline' : 'normal'
}

export function worst(all: Condition[]): Condition {
  return all.reduce((a, b) => (WORST.indexOf(b) > WORST.indexOf(a) ? b : a), 'normal')
}

export interface Placed { id: string; at: Point; condition: Condition; open: number }
export interface Cluster<T extends Placed> { id: string; at: Point; members: T[]; condition: Condition; open: number }

/** Group what lies within ``radius`` pixels: the worst first, so that a cluster stands where its trouble is. */
export function cluster<T extends Placed>(all: T[], radius = 34): Cluster<T>[] {
  const waiting = [...all].sort((a, b) => WORST.indexOf(b.condition) - WORST.indexOf(a.condition) || (a.id < b.id ? -1 : 1))
  const found: Cluster<T>[] = []
  for (const each of waiting) {
    const near = found.find((one) => Math.hypot(one.at.x - each.at.x, one.at.y - each.at.y) <= radius)
    if (near) near.members.push(each)
    else found.push({ id: each.id, at: each.at, members: [each], condition: each.condition, open: 0 })
  }
  for (const one of found) {
    one.condition = worst(one.members.map((each) => each.condition))
    one.open = one.members.reduce((sum, each) => sum + each.open, 0)
  }
  return found
}
