/** The resource tree: places with their cameras, filtered, flattened to the rows that are open. Pure. */
import type { Tree, TreeChannel, TreePlace } from '@/api/video'

export interface PlaceRow { kind: 'place'; id: string; name: string; depth: number; open: boolean; online: number; total: number }
export interface ChannelRow { kind: 'channel'; id: string; name: string; depth: number; channel: TreeChannel }
export type Row = PlaceRow | ChannelRow

const REGIONS = new Set(['city', 'county', 'street', 'community', 'grid'])

export interface Forest { places: Map<string, TreePlace>; children: Map<string, TreePlace[]>; channels: Map<string, TreeChannel[]>; roots: TreePlace[] }

export function forest(tree: Tree): Forest {
  const places = new Map(tree.places.map((each) => [each.id, each]))
  const roots: TreePlace[] = [], children = new Map<string, TreePlace[]>(), channels = new Map<string, TreeChannel[]>()
  const hang = <T>(under: Map<string, T[]>, key: string, value: T) => { const list = under.get(key); if (list) list.push(value); else under.set(key, [value]) }
  for (const each of tree.places) {
    if (each.parent_id && places.has(each.parent_id)) hang(children, each.parent_id, each)
    else roots.push(each)
  }
  for (const each of tree.channels) hang(channels, each.place_id, each)
  const lost = tree.channels.filter((each) => !places.has(each.place_id))
  if (lost.length) {
    roots.push({ id: '', parent_id: null, name: '', kind: '', online: lost.filter((each) => each.state === 'online').length, total: lost.length })
    channels.set('', lost)
  }
  return { places, children, channels, roots: narrowed(roots, children, channels) }
}

/** Regions above the only community say nothing here: the tree begins where ways part, or where cameras stand. */
function narrowed(roots: TreePlace[], children: Forest['children'], channels: Forest['channels']): TreePlace[] {
  let level = roots
  for (let only = level[0]; level.length === 1 && only && REGIONS.has(only.kind) && !channels.has(only.id); only = level[0]) level = children.get(only.id) ?? []
  return level.length ? level : roots
}

/** The rows to draw. What is sought opens every place that leads to it. */
export function rows(of: Forest, open: ReadonlySet<string>, sought: string): Row[] {
  const words = sought.trim().toLowerCase(), found: Row[] = []
  const fits = (name: string) => name.toLowerCase().includes(words)
  const walk = (place: TreePlace, depth: number, within: boolean): boolean => {
    const whole = within || (words !== '' && fits(place.name))
    const at = found.length
    const isOpen = words ? true : open.has(place.id)
    found.push({ kind: 'place', id: place.id, name: place.name, depth, open: isOpen, online: place.online, total: place.total })
    let any = words === '' || whole
    if (!isOpen) return any
    for (const each of of.children.get(place.id) ?? []) any = walk(each, depth + 1, whole) || any
    for (const each of of.channels.get(place.id) ?? []) {
      if (words && !whole && !fits(each.name)) continue
      any = true
      found.push({ kind: 'channel', id: each.id, name: each.name, depth: depth + 1, channel: each })
    }
    if (!any) found.splice(at)
    return any
  }
  for (const each of of.roots) if (each.total > 0 || of.channels.has(each.id)) walk(each, 0, false)
  return found
}

/** All cameras at a place and below it, in the tree's order. */
export function under(of: Forest, place: string): TreeChannel[] {
  return [...(of.channels.get(place) ?? []), ...(of.children.get(place) ?? []).flatMap((each) => under(of, each.id))]
}

/** Places to open so that a first look shows cameras: down while there is only one way, then the first level. */
export function firstOpen(of: Forest): string[] {
  const ids: string[] = []
  let level = of.roots
  while (level.length === 1) {
    const [only] = level as [TreePlace]
    ids.push(only.id)
    level = of.children.get(only.id) ?? []
  }
  return level.length <= 8 ? [...ids, ...level.map((each) => each.id)] : ids
}

/** The name of the 小区 or place of a camera, for the head of its pane. */
export const placeName = (of: Forest, channel: TreeChannel): string => of.places.get(channel.place_id)?.name ?? ''
