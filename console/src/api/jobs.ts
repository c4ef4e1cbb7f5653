import { get, post } from './client'

/** Work that goes on at the server; `total` is 0 where nobody knows it beforehand. */
export interface Job<T = Record<string, unknown>> {
  id: string; kind: string; state: 'running' | 'done' | 'failed' | 'cancelled'; step: string; done: number; total: number
  result: T; code: string; message: string; started_at: string; ended_at: string | null
}
const one = (id: string) => `/api/jobs/${encodeURIComponent(id)}`
export const find = <T>(id: string) => get<Job<T>>(one(id), { wait_s: 0.5 })
export const list = (kind: string) => get<{ items: Job[] }>('/api/jobs', { kind })
export const cancel = (id: string) => post<Job>(`${one(id)}/cancel`)
