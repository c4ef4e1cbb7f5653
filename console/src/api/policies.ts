import { page, put } from './client'

export type PolicyValue = number | boolean | string | string[]
export interface Policy {
  key: string; value: PolicyValue; default: PolicyValue; kind: string; least?: number | null; most?: number | null
  choices?: string[] | null; unit?: string; zh: string; en: string; updated_by?: string; updated_at?: string | null
}
export const list = () => page<Policy>('/api/policies')
export const set = (key: string, value: PolicyValue) => put<Policy | null>(`/api/policies/${encodeURIComponent(key)}`, { value })
