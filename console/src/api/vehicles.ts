import { address, get, page, post, type Query } from './client'

/** `ticket` opens the picture for some minutes; '' where this account may not see it or it lies at another node. */
export interface Picture { type: string; blob_id: string; sha256: string; width: number; height: number; media_type: string; bytes: number; ticket: string }
/** What may be read wrongly, and corrected. */
export interface Reading { plate: string | null; plate_class: string; plate_color: string; vehicle_class: string; vehicle_color: string; direction: string }
/** What a person judged; `changed` holds the fields he set. */
export interface Correction { at: string; by_id: string; by_name: string; version: number; reason: string; changed: Partial<Reading> }
export interface Passage extends Reading {
  id: string; received_at: string; kept_at?: string; passed_at: string; clock_offset_ms: number | null; version: number
  site_id: string; site_name?: string; place_id: string; place_name: string; place_path: string; jurisdiction: string
  device_id: string; device_name: string; lane: string; kind: 'motor' | 'non_motor'; object_id: string
  plate_text: string; plate_kind: string; brand: string; model: string; speed: number | null; reliability: number | null
  resident_kind: string; resident_id: string; flags: string[]; pictures: Picture[]; detail?: Record<string, unknown>
  /** What the device read of each field that a person judged since; the fields themselves hold what he said. */
  reading: Partial<Reading>
  near_id: string | null
  /** Somebody waits for this vehicle. */
  watched?: boolean
}
/** One step of a record's way: where it was, when, and as which row of the log. */
export interface Hop { node: string; tier: string; what: string; at: string | null; seq: number | null }
export interface Clock { at: string; device_time: string; offset_ms: number }
export interface PassageDetail extends Passage {
  raw_id: string | null; corrections: Correction[]; near: Passage[]; path: Hop[]; clock: Clock | null
}
export interface RawRecord { id: string; received_at: string; protocol: string; peer: string; outcome: string; reason: string; text: string }
export interface Lane { device_id: string; device_name: string; site_id: string; site_name: string; place_name: string; state: string; last: Passage | null }
export interface HourCount { at: string; direction: string; count: number }
export interface Judged { light: 'day' | 'night'; n: number; wrong: number; rate: number | null; bound: number | null; target: number }

const one = (id: string) => `/api/vehicles/passages/${encodeURIComponent(id)}`
export const list = (query: Query) => page<Passage>('/api/vehicles/passages', query)
/** With a reason, whose vehicle it is is shown, and that is logged. */
export const find = (id: string, reason = '') => get<PassageDetail>(one(id), { reason })
export const raw = (id: string, reason = '') => get<RawRecord>(`${one(id)}/raw`, { reason })
export const correct = (id: string, body: Partial<Reading> & { reason: string }) => post<PassageDetail>(`${one(id)}/correct`, body)
export const lanes = () => page<Lane>('/api/vehicles/lanes')
export const counts = (query: Query) => get<{ by: string; since: string; until: string; items: HourCount[] }>('/api/vehicles/counts', query)
export const accuracy = (query: Query) => page<Judged>('/api/vehicles/accuracy', query)
/** How many rows an export would hold, said before it is asked for. */
export const countRows = (query: Query) => get<{ rows: number; most: number }>('/api/vehicles/export', query)
export const exportPath = (form: 'csv' | 'xlsx', query: Query) => address(`/api/vehicles/export.${form}`, query)
