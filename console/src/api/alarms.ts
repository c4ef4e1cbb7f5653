import { get, page, post, type Query } from './client'
import type { Alarm, AlarmDetail } from './types'

export interface Instruction { finding?: string; note?: string; until?: string; expected_version?: number }
export interface Group { storm_key: string; count: number; level: number; kind?: string; place_name?: string; last_at?: string; open?: number }
export const list = (query: Query) => page<Alarm>('/api/alarms', query)
export const detail = (id: string) => get<AlarmDetail>(`/api/alarms/${encodeURIComponent(id)}`)
export const act = (id: string, action: string, how: Instruction = {}) =>
  post<Alarm | { state: string } | null>(`/api/alarms/${encodeURIComponent(id)}/${action}`, how)
export const groups = () => page<Group>('/api/alarms/groups')
export const acknowledgeGroup = (key: string) => post<null>(`/api/alarms/groups/${encodeURIComponent(key)}/acknowledge`)
export const counters = () => get<Record<string, number>>('/api/alarms/counters')
export const drill = (body: unknown) => post<null>('/api/alarms/drills', body)
