/** Communities with what the map shows of them, from the tree of places and, above, from the ranking. */
import type { Ranked } from '@/api/links'
import type { Place } from '@/api/places'
import type { Alarm } from '@/api/types'
import { condition, type Condition } from './clusters'

export interface Community {
  id: string; name: string; longitude: number | null; latitude: number | null; condition: Condition; open: number; online: number; total: number
}

/** Open alarms of each community by level; drills count as notices, for nobody is in danger. */
export function openBySite(alarms: readonly Alarm[]): Map<string, Record<string, number>> {
  const found = new Map<string, Record<string, number>>()
  for (const each of alarms) {
    if (each.state === 'closed') continue
    const counts = found.get(each.site_id) ?? {}, level = each.drill ? 4 : each.level
    found.set(each.site_id, { ...counts, [level]: (counts[level] ?? 0) + 1 })
  }
  return found
}

const sum = (counts: Record<string, number>): number => Object.values(counts).reduce((a, b) => a + b, 0)

/** `alarms` is null where the caller may not see alarms: then the counts the places were told with stand alone. */
export function communities(places: readonly Place[], alarms: readonly Alarm[] | null, links: ReadonlyMap<string, string>): Community[] {
  const bySite = alarms && openBySite(alarms)
  return places.filter((each) => each.kind === 'site').map((each) => {
    const levels = bySite?.get(each.id), open = bySite ? sum(levels ?? {}) : (each.open_alarms ?? 0)
    const online = each.devices_online ?? 0, total = each.devices_total ?? 0
    return {
      id: each.id, name: each.name, longitude: each.longitude ?? null, latitude: each.latitude ?? null, open, online, total,
      condition: condition({ ...(levels ? { open_by_level: levels } : {}), open, online, total, state: links.get(each.id) }),
    }
  })
}

export const ofRanking = (all: readonly Ranked[], cut: (of: Ranked) => boolean): Community[] => all.map((each) => ({
  id: each.site_id, name: each.name, longitude: each.longitude ?? null, latitude: each.latitude ?? null, open: each.open, online: each.online, total: each.total,
  condition: condition({ open_level_1: each.open_level_1, open_by_level: each.open_by_level, open: each.open, online: each.online, total: each.total, state: cut(each) ? 'cut' : undefined }),
}))
