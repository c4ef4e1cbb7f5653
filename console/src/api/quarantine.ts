import { page, post, type Query } from './client'

/** What a held record says, without what may name a person: a panel's report, what a capture device saw, or a row of a node below. */
export interface HeldValue {
  protocol?: string; account?: string; kind?: string; state?: string; code_space?: string; code?: string; area?: string; zone?: string
  occurred_at?: string | null; peer?: string
  device?: string; pictures?: number
  object_id?: string; version?: number; site_id?: string; place_path?: string
  error?: string
}
export interface Held {
  id: string; held_at: string; site_id: string; source_id: string; place_path: string; jurisdiction: string; station: string; reason: string
  raw_id: string | null; value: HeldValue; state: string; decided_by: string | null; decided_at: string | null; note: string | null
}
/** What became of a group that was run again; `reason` is that of the last one that waits on. */
export interface Tally { released: number; refused: number; reason: string }
export interface HeldGroup { station: string; reason: string; count: number; sources: number; examples: string[]; first_at: string; last_at: string }
export interface Rejection { hour: string; station: string; source_id: string; device_name: string; outcome: string; reason: string; count: number; last_at: string }

export const list = (query: Query) => page<Held>('/api/quarantine', query)
export const groups = () => page<HeldGroup>('/api/quarantine/groups')
export const act = (id: string, what: 'rerun' | 'discard', note: string) => post<Held & { fate?: string }>(`/api/quarantine/${encodeURIComponent(id)}/${what}`, { note })
export const rerunGroup = (reason: string, station: string) => post<Tally>('/api/quarantine/groups/rerun', { reason, station })
export const rejections = (query: Query = {}) => page<Rejection>('/api/rejections', query)
