/** Users, roles, policies, the operator log, devices, quarantine: thin and alike. */
import { get, patch, post, put } from './client'
import type { Row } from './types'

export interface Verdict { ok: boolean; checked: number; unanchored_rows: number; first_broken: unknown; message: string }
export const users = {
  create: (body: unknown) => post<Row>('/api/users', body),
  change: (id: string, body: unknown) => patch<Row>(`/api/users/${id}`, body),
  act: (id: string, action: string, body: unknown = {}) => post<Row | null>(`/api/users/${id}/${action}`, body),
  grants: (id: string, body: unknown) => put<null>(`/api/users/${id}/grants`, body),
}
export const roles = {
  create: (body: unknown) => post<Row>('/api/roles', body),
  change: (id: string, body: unknown) => patch<Row>(`/api/roles/${id}`, body),
  actions: () => get<unknown>('/api/roles/actions'),
}
export const setPolicy = (key: string, value: unknown) => put<null>(`/api/policies/${encodeURIComponent(key)}`, { value })
export const verifyLog = () => post<Verdict>('/api/operator_log/verify')
export const devices = {
  kinds: () => get<unknown>('/api/devices/kinds'),
  create: (body: unknown) => post<Row>('/api/devices', body),
  change: (id: string, body: unknown) => patch<Row>(`/api/devices/${id}`, body),
}
export const quarantine = { act: (id: string, what: 'rerun' | 'discard', note: string) => post<null>(`/api/quarantine/${id}/${what}`, { note }) }
export const alarmStatistics = (query: Record<string, string>) => get<Record<string, unknown>>('/api/statistics/alarms', query)
