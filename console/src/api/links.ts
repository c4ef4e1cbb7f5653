import { get, page, post } from './client'
import type { Row, Upper } from './types'

export interface Lower extends Row {
  node: string; name: string; tier: string; state: string; last_seen_at: string | null; delay_s: number | null
  fingerprint?: string; backlog?: { alarms: number; bulk: number }
  marks?: Record<string, unknown>; fates?: Record<string, number>
}
export const links = () => get<{ upper: Upper | null; lower: Lower[] }>('/api/links')
export const pairingCode = () => post<{ code: string; fingerprint: string; expires_at: string }>('/api/links/pairing-codes')
export const decide = (node: string, what: 'approve' | 'revoke') => post<null>(`/api/links/lower/${encodeURIComponent(node)}/${what}`)
export const reconciliation = (day: string) => page<Row>('/api/links/reconciliation', { day })
export const ranking = () => page<Row>('/api/links/ranking')
