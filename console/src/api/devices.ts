import { get, page, patch, post, put, type Query } from './client'
import type { FiledEvent } from './events'

export interface Certificate { number: string; issuer: string; expires_on: string | null }
/** How a device speaks GA/T 1400; an empty user is its code, no addresses are any. */
export interface ViidAccess { user: string; addresses: string[]; every_request: boolean; strict: boolean; created: boolean; text_status: boolean }
/** What is written on a device's page; all of it may be empty. */
export interface Particulars {
  capture_class: string; position: string; position_type: string; direction: string; unit: string; contact: string
  maker: string; model: string; serial: string; address: string; certificate: Certificate
  save_days: number | null; supervision_s: number | null; note: string; passes: string; viid: ViidAccess
}
export interface Device extends Partial<Particulars> {
  id: string; site_id: string; site_name?: string; place_id: string; place_path: string; place_name?: string; jurisdiction: string
  kind: string; name: string; protocol: string; account: string; code: string
  state: string; state_reason: string; state_words?: { zh: string; en: string }; state_at: string; heard_at: string | null; interval_s: number | null
  longitude: number | null; latitude: number | null; home_node: string; version: number; retired_at?: string | null
  /** A credential is agreed; it never leaves its node. */
  keyed?: boolean
  zones?: Zone[]; arming?: Arming[]; aliases?: [space: string, code: string][]
}
export interface Zone {
  area: string; number: string; name: string; place_id: string; place_name?: string; kind: string | null
  bypassed_until?: string | null; bypass_reason?: string
}
export interface Arming { area: string; armed: boolean; mode: string; at: string; by_user: string }
export interface Coded { code?: string; kind?: string; zh: string; en: string; protocols?: string[] }
export interface Vocabulary { kinds: Coded[]; [list: string]: Coded[] }
export interface Frame { id: string; received_at: string; peer: string; outcome: string; reason: string; hex: string | null }
export interface Why { expected: Record<string, unknown>; received: Record<string, unknown> | null; findings: Finding[]; frames: Frame[] }
export interface Finding { field: string; expected: unknown; received: unknown; ok: boolean | null; zh?: string; en?: string }
export interface ClockPoint { at: string; device_time: string; offset_ms: number }

const one = (id: string) => `/api/devices/${encodeURIComponent(id)}`
export const list = (query: Query) => page<Device>('/api/devices', query)
export const vocabulary = () => get<Vocabulary>('/api/devices/kinds')
export const find = (id: string) => get<Device>(one(id))
export const create = (body: unknown) => post<Device>('/api/devices', body)
export const change = (id: string, body: unknown) => patch<Device>(one(id), body)
export const retire = (id: string, note: string) => post<null>(`${one(id)}/retire`, { note })
export const setZones = (id: string, zones: Zone[]) => put<Device>(`${one(id)}/zones`, { zones })
export const bypass = (id: string, body: { area: string; number: string; until: string | null; reason: string }) => post<Device>(`${one(id)}/zones/bypass`, body)
export const why = (id: string) => get<Why>(`${one(id)}/why`)
export const events = (id: string, query: Query = {}) => page<FiledEvent>(`${one(id)}/events`, query)
export const clock = (id: string) => page<ClockPoint>(`${one(id)}/clock`)
