import { get, page, patch, post, put, remove, type Query } from './client'

export type Grade = 'main' | 'sub'
export type ChannelState = 'online' | 'offline' | 'fault' | 'unknown'
export interface Said { zh: string; en: string }
export interface Recording { mode: string; now: boolean; days: number | null; oldest_at: string | null }
export interface Channel {
  id: string; device_id: string; device_name: string; code: string; name: string; site_id: string; site_name: string
  place_id: string; place_path: string; place_name: string; ptz: boolean; ptz_type: string
  state: ChannelState; reason: string; reason_words: Said | null; state_at: string
  recording: Recording | null; grades: Grade[]; codec: string; width: number | null; height: number | null
  longitude: number | null; latitude: number | null; version: number
  /** How it is recorded; empty: as by default. */
  plan: Record<string, unknown>
}
export interface TreePlace { id: string; parent_id: string | null; name: string; kind: string; online: number; total: number }
export interface TreeChannel { id: string; name: string; place_id: string; state: ChannelState; ptz: boolean; recording: Recording | null }
export interface Tree { places: TreePlace[]; channels: TreeChannel[] }
export interface Stream { url: string; expires_at: string }
export type Source = 'platform' | 'device'

export interface Box { x: number; y: number; width: number; height: number }
export interface Instruction {
  act: string; pan?: number; tilt?: number; zoom?: number; value?: number; number?: number; extra?: number; name?: string
  box?: [number, number, number, number]
}
export interface Holder { id?: string; name: string; level?: string | number }
export interface Lock { holder: Holder | null; until: string | null }
export interface Preset { number: number; name: string }

export interface Segment { start: string; end: string; source: Source }
export interface Gap { start: string; end: string; class: string }
export interface Tick { id: string; at: string; level: number; kind: string }
export interface EvidenceLock { start: string; end: string; reason: string }
export interface Timeline { segments: Segment[]; gaps: Gap[]; alarms: Tick[]; locks: EvidenceLock[] }

export interface ExportWish {
  channel_id: string; start: string; end: string; source: Source; reason: string; document: string; unit: string; officers: string[]
}
export interface ExportJob extends ExportWish {
  id: string; channel_name?: string; state: string; code?: string; done?: number; total?: number; size?: number | null; sha256?: string | null
  created_at: string; finished_at?: string | null; by?: { id: string; name: string } | null
}

export interface Volume { path: string; total: number; free: number; reserve: number; state: string; words?: Said; reason?: string }
export interface Kept {
  id: string; name: string; by?: string; wanted_days?: number; width?: number | null; height?: number | null
  bitrate: number | null; days_kept: number | null; days_projected: number | null; oldest_at: string | null
}
export interface Storage { volumes: Volume[]; channels: Kept[]; non_hd_share: number | null }

export interface Layout { id: string; name: string; shared: boolean; body: Record<string, unknown>; own?: boolean; version?: number }

export interface Check { field: string; expected: unknown; received: unknown; ok: boolean | null; zh?: string; en?: string }
export interface Registration {
  host: string; port: number; transport: string; local_host: string; contact: string; gb_version: string; user_agent: string
  registered_at: string; heard_at: string; expires_at: string; interval_s: number | null; missed: number | null
  ended_at: string | null; ended_reason: string
}
export type QuirkValue = boolean | string | number | null | string[]
export interface CatalogState { at: string | null; got: number; expected: number | null; state: string }
export interface VideoDevice {
  registration: Registration | null; findings?: Check[]; quirks: Record<string, QuirkValue>; options?: Record<string, string[]>
  clock?: { offset_ms: number | null; at: string | null } | null; catalog?: CatalogState | null; version?: number
  /** What it said of itself: answers by question, each with when. */
  told?: Record<string, unknown>
}
export interface Exchange { at: string; direction: 'in' | 'out'; peer: string; title: string; text: string }

const root = '/api/video'
const part = (id: string) => encodeURIComponent(id)
const channel = (id: string) => `${root}/channels/${part(id)}`
const device = (id: string) => `${root}/devices/${part(id)}`

export const channels = (query: Query = {}) => page<Channel>(`${root}/channels`, query)
export const find = (id: string) => get<Channel>(channel(id))
export const change = (id: string, body: { name?: string; place_id?: string; plan?: unknown; version?: number }) => patch<Channel>(channel(id), body)
export const tree = () => get<Tree>(`${root}/tree`)
export const live = (id: string, grade: Grade) => post<Stream>(`${channel(id)}/live`, { grade })
export const playback = (id: string, start: string, end: string, source: Source) => post<Stream>(`${channel(id)}/playback`, { start, end, source })
export const snapshotUrl = (id: string) => `${channel(id)}/snapshot`
export const ptz = (id: string, wish: Instruction) => post<{ command_id: string; lock: Lock | null }>(`${channel(id)}/ptz`, wish)
export const lock = (id: string) => get<Lock>(`${channel(id)}/ptz`)
export const presets = (id: string) => page<Preset>(`${channel(id)}/presets`)
export const timeline = (id: string, since: string, until: string) => get<Timeline>(`${channel(id)}/timeline?since=${part(since)}&until=${part(until)}`)
export const addExport = (wish: ExportWish) => post<ExportJob>(`${root}/exports`, wish)
export const exports = (query: Query = {}) => page<ExportJob>(`${root}/exports`, query)
export const exportFile = (id: string) => `${root}/exports/${part(id)}/file`
export const storage = () => get<Storage>(`${root}/storage`)
export const layouts = () => page<Layout>(`${root}/layouts`)
export const addLayout = (body: { name: string; shared: boolean; body: Record<string, unknown> }) => post<Layout>(`${root}/layouts`, body)
export const keepLayout = (id: string, body: { name: string; shared: boolean; body: Record<string, unknown> }) => put<Layout>(`${root}/layouts/${part(id)}`, body)
export const dropLayout = (id: string) => remove<null>(`${root}/layouts/${part(id)}`)
export const videoDevice = (id: string) => get<VideoDevice>(device(id))
export const setQuirks = (id: string, quirks: Record<string, unknown>) => patch<VideoDevice>(device(id), { quirks })
export const exchanges = (id: string) => page<Exchange>(`${device(id)}/exchanges`)
export const refreshCatalog = (id: string) => post<unknown>(`${device(id)}/catalog`)
export const ask = (id: string, what: string) => post<unknown>(`${device(id)}/query`, { what })
