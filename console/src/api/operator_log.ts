import { address, page, post, type Query } from './client'

export interface Entry {
  seq: number; at: string; principal_id: string; principal_name: string; principal_node: string
  action: string; target: string; outcome: string; peer: string; detail: unknown; hash?: string
}
/** ``outside``: the anchors are held by somebody else, so this machine's owner cannot change them; ``source`` says by whom. */
export interface Verdict {
  ok: boolean; checked: number; unanchored_rows: number; first_broken: number | null; message: string
  anchors: number; source: string; outside: boolean
}
export interface Anchor { node: string; seq: number; sha256: string; sm3: string; received_at: string | null; outside: boolean }
export const list = (query: Query) => page<Entry>('/api/operator_log', query)
export const verify = () => post<Verdict>('/api/operator_log/verify')
export const anchors = () => page<Anchor>('/api/operator_log/anchors')
export const exported = (query: Query) => address('/api/operator_log/export.csv', query)
