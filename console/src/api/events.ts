import { get, page, type Query } from './client'

export interface FiledEvent {
  id: string; received_at: string; kept_at?: string; site_id: string; site_name?: string; place_id: string; place_path: string
  place_name: string; jurisdiction: string; device_id: string; device_name: string; zone: string; zone_name: string
  kind: string; state: 'active' | 'cleared' | 'info'; level: number; code_space: string; code: string
  occurred_at: string | null; clock_offset_ms: number | null; flags: string[]; late: boolean; drill: boolean
  raw_id?: string | null; detail?: Record<string, unknown>
}
export interface RawFrame { id: string; received_at: string; protocol: string; peer: string; outcome: string; reason: string; hex: string; text: string; masked: boolean }

export const list = (query: Query) => page<FiledEvent>('/api/events', query)
/** With a reason, what may name a person is shown, and that is logged. */
export const find = (id: string, reason = '') => get<FiledEvent>(`/api/events/${encodeURIComponent(id)}`, { reason })
export const raw = (id: string, reason = '') => get<RawFrame>(`/api/events/${encodeURIComponent(id)}/raw`, { reason })
