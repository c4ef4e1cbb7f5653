import { get, type Query } from './client'

export interface Bar { at: string; level?: number; kind?: string; count: number }
export interface Series { by: 'hour' | 'day'; since: string; until: string; items: Bar[] }
export interface Summary { open_by_level: Record<string, number>; online_rate: number | null; events_today: number; unhandled_oldest: string | null }
export const alarms = (query: Query) => get<Series>('/api/statistics/alarms', query)
export const summary = () => get<Summary>('/api/statistics/summary')
