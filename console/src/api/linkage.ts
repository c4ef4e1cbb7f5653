import { get, page, patch, post, type Query } from './client'

export interface RuleAction { do: string; target?: string; valid_s?: number; [field: string]: unknown }
export interface Rule {
  id: string; site_id: string; place_path: string; name: string; enabled: boolean; version: number; body: Record<string, unknown>
}
export interface DoneAction { rule_id: string; rule_version: number; record_id: string; target: string; decided_at: string; valid_until: string | null; state: string; command_id: string | null; body: Record<string, unknown> }

const one = (id: string) => `/api/linkage/${encodeURIComponent(id)}`
export const list = () => page<Rule>('/api/linkage')
export const find = (id: string) => get<Rule>(one(id))
export const create = (body: unknown) => post<Rule>('/api/linkage', body)
export const change = (id: string, body: unknown) => patch<Rule>(one(id), body)
export const done = (query: Query) => page<DoneAction>('/api/linkage/actions', query)
export const dryRun = (body: unknown) => post<{ items: Record<string, unknown>[] }>('/api/linkage/dry-run', body)
