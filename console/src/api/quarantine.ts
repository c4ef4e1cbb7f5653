import { page, post, type Query } from './client'

export interface Held {
  id: string; held_at: string; site_id: string; source_id: string; place_path: string; station: string; reason: string
  raw_id: string | null; value: Record<string, unknown>; state: string; decided_by: string | null; decided_at: string | null; note: string | null
}
export interface HeldGroup { station: string; reason: string; count: number; sources?: number; first_at?: string; last_at?: string }
export interface Rejection { hour: string; station: string; source_id: string; outcome: string; reason: string; count: number; last_at: string }

export const list = (query: Query) => page<Held>('/api/quarantine', query)
export const groups = () => page<HeldGroup>('/api/quarantine/groups')
export const act = (id: string, what: 'rerun' | 'discard', note: string) => post<Held | null>(`/api/quarantine/${encodeURIComponent(id)}/${what}`, { note })
export const rerunGroup = (reason: string, station: string) => post<unknown>('/api/quarantine/groups/rerun', { reason, station })
export const rejections = (query: Query = {}) => page<Rejection>('/api/rejections', query)
