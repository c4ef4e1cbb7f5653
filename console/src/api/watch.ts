import { get, page, post, type Query } from './client'

export interface Entry {
  id: string; site_id: string; site_name?: string; place_path: string; place_name?: string; kind: 'vehicle' | 'visitor'; plate: string | null
  /** Masked unless it was revealed with a reason. */
  name: string; phone: string; document: string
  reason: string; level: number; owner_id: string; owner_name: string; created_at: string; expires_at: string
  ended_at: string | null; ended_by: string; version: number
}
export interface NewEntry {
  kind: 'vehicle' | 'visitor'; place_id: string; plate?: string; name?: string; phone?: string; document?: string
  reason: string; level: number; expires_at: string
}
const one = (id: string) => `/api/watch-list/${encodeURIComponent(id)}`
export const list = (query: Query) => page<Entry>('/api/watch-list', query)
export const reveal = (id: string, reason: string) => get<Entry>(one(id), { reason })
export const create = (body: NewEntry) => post<Entry>('/api/watch-list', body)
export const end = (id: string, note: string) => post<Entry>(`${one(id)}/end`, { note })
