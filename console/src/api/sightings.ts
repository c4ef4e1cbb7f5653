import { get, page, type Query } from './client'
import type { Picture } from './vehicles'

export interface Sighting {
  id: string; received_at: string; seen_at: string; clock_offset_ms: number | null; site_id: string; site_name?: string; place_id: string; place_name: string
  device_id: string; device_name: string; kind: 'face' | 'person' | 'image'; object_id: string; direction: string; flags: string[]; pictures: Picture[]
  detail?: Record<string, unknown>
  /** What names the person; masked unless revealed with a reason. */
  personal?: Record<string, string>
  named: boolean
}
export const list = (query: Query) => page<Sighting>('/api/sightings', query)
export const reveal = (id: string, reason: string) => get<Sighting>(`/api/sightings/${encodeURIComponent(id)}`, { reason })
