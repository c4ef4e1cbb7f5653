import { get, type Query } from './client'

/** `level` and `kind` of alarms, `label` (direction or kind) of vehicles and persons. */
export interface Bar { at: string; level?: number; kind?: string; label?: string; count: number }
export type Subject = 'alarms' | 'passages' | 'sightings'
export interface Series { by: 'hour' | 'day'; since: string; until: string; items: Bar[] }
export interface Summary { open_by_level: Record<string, number>; online_rate: number | null; events_today: number; unhandled_oldest: string | null }
/** Seconds; null where nothing was done. */
export interface Spread { median: number | null; p90: number | null }
/** How alarms of one level were handled; `in_time` within `target_s`. */
export interface Handling {
  level: number; target_s: number | null; raised: number; acknowledged: number; closed: number; in_time: number; true: number; false: number
  escalated: number; to_review: number; acknowledged_s: Spread; closed_s: Spread
}
export const series = (subject: Subject, query: Query) => get<Series>(`/api/statistics/${subject}`, query)
export const summary = () => get<Summary>('/api/statistics/summary')
export const handling = (query: Query) => get<{ items: Handling[] }>('/api/statistics/handling', query)
export const alarms = (query: Query) => series('alarms', query)
