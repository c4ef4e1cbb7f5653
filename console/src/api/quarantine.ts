import { page, post, type Query } from './client'

/** What a panel said, as it is kept until the cause is mended; `frame` is in Base64. */
export interface HeldReport {
  protocol: string; account: string; kind: string; state: string; code_space: string; code: string; area: string; zone: string
  occurred_at: string | null; peer: string; frame: string
}
export interface Held {
  id: string; held_at: string; site_id: string; source_id: string; place_path: string; station: string; reason: string
  raw_id: string | null; value: { report?: HeldReport; error?: string; [other: string]: unknown }; state: string
  decided_by: string | null; decided_at: string | null; note: string | null
}
export interface HeldGroup { station: string; reason: string; count: number; sources: number; examples: string[]; first_at: string; last_at: string }
export interface Rejection { hour: string; station: string; source_id: string; device_name: string; outcome: string; reason: string; count: number; last_at: string }

export const list = (query: Query) => page<Held>('/api/quarantine', query)
export const groups = () => page<HeldGroup>('/api/quarantine/groups')
export const act = (id: string, what: 'rerun' | 'discard', note: string) => post<Record<string, unknown> | null>(`/api/quarantine/${encodeURIComponent(id)}/${what}`, { note })
export const rerunGroup = (reason: string, station: string) => post<Record<string, unknown> | null>('/api/quarantine/groups/rerun', { reason, station })
export const rejections = (query: Query = {}) => page<Rejection>('/api/rejections', query)
