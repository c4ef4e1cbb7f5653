import { page, patch, post } from './client'
import type { AccountClass } from './users'

export interface Role { id: string; name: string; name_en: string; class: AccountClass; actions: string[]; builtin: boolean; retired_at?: string | null }
export interface ActionWords { action: string; zh: string; en: string; classes: AccountClass[] }

const one = (id: string) => `/api/roles/${encodeURIComponent(id)}`
export const list = () => page<Role>('/api/roles')
export const actions = () => page<ActionWords>('/api/roles/actions')
export const create = (body: Pick<Role, 'name' | 'name_en' | 'class' | 'actions'>) => post<Role>('/api/roles', body)
export const change = (id: string, body: Partial<Pick<Role, 'name' | 'name_en' | 'actions'>>) => patch<Role>(one(id), body)
export const retire = (id: string) => post<null>(`${one(id)}/retire`)
