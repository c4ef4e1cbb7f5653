import { get, page, post, type Query } from './client'
import type { Alarm, AlarmDetail } from './types'

export interface Instruction { finding?: string; note?: string; until?: string; person_on_site?: string; expected_version?: number }
export const list = (query: Query) => page<Alarm>('/api/alarms', query)
export const detail = (id: string) => get<AlarmDetail>(`/api/alarms/${encodeURIComponent(id)}`)
export const act = (id: string, action: string, how: Instruction = {}) =>
  post<Alarm | { state: 'sent'; command_id: string } | null>(`/api/alarms/${encodeURIComponent(id)}/${action}`, how)
export const acknowledgeGroup = (key: string) => post<Record<string, number> | null>(`/api/alarms/groups/${encodeURIComponent(key)}/acknowledge`)
export const counters = () => get<Record<string, number>>('/api/alarms/counters')
export const rawEvent = (id: string) => get<Record<string, unknown>>(`/api/events/${encodeURIComponent(id)}/raw`)

/** Findings of a kind in the order of the digits 1 to 9; an empty place is no finding. */
export async function findings(kind: string): Promise<string[]> {
  const found = await get<unknown>('/api/alarms/findings', { kind })
  const list = Array.isArray(found) ? found : ((found as { items?: unknown[]; findings?: unknown[] }).items ?? (found as { findings?: unknown[] }).findings ?? [])
  return digits(list)
}

/** The server may send plain names in order, or each with its digit. */
export function digits(list: readonly unknown[]): string[] {
  const places = Array.from({ length: 9 }, () => '')
  list.forEach((each, index) => {
    const named = typeof each === 'string' ? { finding: each } : (each as { digit?: number; finding?: string; name?: string; code?: string })
    const at = ('digit' in named && typeof named.digit === 'number' ? named.digit : index + 1) - 1
    if (at >= 0 && at < 9) places[at] = named.finding ?? ('name' in named ? named.name : undefined) ?? ('code' in named ? named.code : undefined) ?? ''
  })
  return places
}
