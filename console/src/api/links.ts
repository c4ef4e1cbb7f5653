import { get, page, post, remove } from './client'
import type { Backlog, Upper } from './types'

export interface Mark { epoch: number; lane: string; mark: number }
export interface Lower {
  node: string; name: string; tier: string; state: string; last_seen_at: string | null; delay_s: number | null
  fingerprint: string; backlog: Partial<Backlog>; epoch?: number; asked_at?: string | null; region?: string; region_name?: string
  marks?: Mark[] | Record<string, number>; fates?: Record<string, number>
}
/** `own_fingerprint` is of this node's key, as the tier above sees it; `docking_fingerprint` of its certificate, as nodes below see it. */
export interface Links { upper: Upper | null; lower: Lower[]; own_fingerprint?: string; docking_fingerprint?: string }
/** Both sides counted up to `marks`, the last row of each lane; `whole` is false while more of the day may come after them. */
export interface Reconciled { node: string; name?: string; day: string; kind: string; sent: number; received?: number; kept?: number; duplicate?: number; held?: number; dropped?: number; fates?: Record<string, number>; marks?: Partial<Backlog>; whole?: boolean; checked_at?: string }
export interface Ranked {
  site_id: string; name: string; node: string; place_path?: string; longitude?: number | null; latitude?: number | null
  open_level_1: number; open: number; open_by_level?: Record<string, number>; oldest_at?: string | null; delay_s: number | null; online: number; total: number; online_rate: number | null; state?: string; last_seen_at?: string | null
}
export interface Resync { node: string; lane: string; at: string; first: number; last: number; rows: number; ended_at: string | null }

export const links = () => get<Links>('/api/links')
export const pairingCode = () => post<{ code: string; fingerprint: string; expires_at: string }>('/api/links/pairing-codes')
export const askUpper = (url: string, code: string) => post<{ state: string; node: string; name: string; fingerprint: string }>('/api/links/upper', { url, code })
export const confirmUpper = (fingerprint: string) => post<Upper | null>('/api/links/upper/confirm', { fingerprint })
export const leaveUpper = () => remove<null>('/api/links/upper')
export const approve = (node: string, region: string) => post<null>(`/api/links/lower/${encodeURIComponent(node)}/approve`, { region })
export const revoke = (node: string) => post<null>(`/api/links/lower/${encodeURIComponent(node)}/revoke`)
export const reconciliation = (day: string) => page<Reconciled>('/api/links/reconciliation', { day })
export const reconcile = () => post<unknown>('/api/links/reconciliation/run')
export const ranking = () => page<Ranked>('/api/links/ranking')
export const resyncs = () => page<Resync>('/api/links/resyncs')
