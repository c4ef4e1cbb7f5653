/** What a passage says in words, the same on cards, in tables and on its own page. */
import type { Query } from '@/api/client'
import type { Passage, Reading } from '@/api/vehicles'
import type { Change } from '@/api/types'

/** A whole plate is looked up as it is; anything shorter is a fragment of one. */
const WHOLE = /^[\u4e00-\u9fff][A-Z][A-Z0-9]{4}[A-Z0-9\u4e00-\u9fff]{1,2}$/
export const normal = (typed: string): string => typed.normalize('NFKC').replace(/[\s·•.]/g, '').toUpperCase()
export function plateQuery(typed: string | undefined): { plate?: string; fragment?: string } {
  const wanted = normal(typed ?? '')
  if (!wanted) return {}
  return WHOLE.test(wanted) ? { plate: wanted } : { fragment: wanted }
}
export function asked(chosen: Query): Query {
  const { q, ...rest } = chosen
  return { ...rest, ...plateQuery(typeof q === 'string' ? q : undefined) }
}

/** Whether a person looked, and what he found: that the device was right, or that it was not. */
export function judgement(of: Pick<Passage, 'reading' | 'plate'>): 'confirmed' | 'corrected' | null {
  const fields = Object.entries(of.reading) as [keyof Reading, Reading[keyof Reading]][]
  if (!fields.length) return null
  return fields.every(([name, value]) => (of as unknown as Reading)[name] === value) ? 'confirmed' : 'corrected'
}
export const whereText = (of: Pick<Passage, 'site_name' | 'place_name'>): string => [of.site_name, of.place_name].filter((each, at, all) => each && each !== all[at - 1]).join(' · ')
export const laneText = (of: Pick<Passage, 'device_name' | 'device_id' | 'lane'>): string => [of.device_name || of.device_id, of.lane].filter(Boolean).join(' · ')

/** The newest of what was shown and what came, each once, its newest version; what somebody waits for is marked. */
export function merged(shown: readonly Passage[], changes: readonly Change[], most: number): Passage[] {
  const found = new Map(shown.map((each) => [each.id, each]))
  for (const each of changes.filter(({ kind }) => kind === 'passage')) {
    const known = found.get(each.id)
    if (!known || known.version <= each.version) found.set(each.id, { ...known, ...(each.body as unknown as Passage), version: each.version })
  }
  for (const id of hits(changes)) { const hit = found.get(id); if (hit) found.set(id, { ...hit, watched: true }) }
  return [...found.values()].sort(newest).slice(0, most)
}
const newest = (a: Passage, b: Passage) => (a.received_at === b.received_at ? (a.id < b.id ? 1 : -1) : a.received_at < b.received_at ? 1 : -1)

/** The passages that these events are about. */
function hits(changes: readonly Change[]): string[] {
  const events = changes.filter((each) => each.kind === 'event' && each.body.kind === 'watch_list')
  return events.map((each) => String((each.body.detail as Record<string, unknown> | undefined)?.passage_id ?? ''))
}
