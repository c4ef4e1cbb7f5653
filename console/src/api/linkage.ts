import { get, page, patch, post, type Query } from './client'

/** When … happens: empty lists and empty ids mean any. `level`: this one or worse. */
export interface When { kinds: string[]; level: number | null; place_id: string; device_id: string; zones: string[] }
/** … if: between two local times of day (`HH:MM`, may pass midnight), and while the area is armed. */
export interface OnlyIf { from: string; to: string; armed: boolean }
/** … then: one act on one target, not after `valid_s` seconds. */
export interface RuleAction { do: string; target: string; output: string; on: boolean; valid_s: number }
export interface RuleBody { when: When; only_if: OnlyIf; then: RuleAction[] }
export interface Rule {
  id: string; site_id: string; place_path: string; name: string; enabled: boolean; version: number; body: Partial<RuleBody>
}
export interface RuleForm { name: string; enabled: boolean; place_id: string; body: RuleBody }
export interface DoneAction {
  rule_id: string; rule_version: number; rule_name?: string; record_id: string; target: string; decided_at: string; valid_until: string | null
  state: string; command_id: string | null; body: Partial<RuleAction> & { outcome?: string }
}
/** What a rule would have done with one past event. */
export interface Foreseen { event_id: string; at: string; kind: string; level: number; place_name: string; device_name: string; zone_name?: string; actions: Partial<RuleAction>[] }

const one = (id: string) => `/api/linkage/${encodeURIComponent(id)}`
export const list = (query: Query = {}) => page<Rule>('/api/linkage', query)
export const create = (body: RuleForm) => post<Rule>('/api/linkage', body)
export const change = (id: string, body: Partial<RuleForm> & { expected_version?: number }) => patch<Rule>(one(id), body)
export const find = (id: string) => get<Rule>(one(id))
export const done = (query: Query) => page<DoneAction>('/api/linkage/actions', query)
export const dryRun = (body: RuleBody, since: string) => post<{ items: Foreseen[]; checked?: number }>('/api/linkage/dry-run', { body, since })
