import { get, page, patch, post, put, type Query } from './client'

export type AccountClass = 'system' | 'security' | 'audit' | 'operator'
export type ScopeKind = 'everything' | 'place' | 'jurisdiction'
export interface Grant { role: string; scope_kind: ScopeKind; scope_value: string; expires_at?: string | null }
export interface User {
  id: string; username: string; name: string; class: AccountClass; state: string; must_change?: boolean
  locked_until?: string | null; expires_at?: string | null; last_login_at?: string | null; created_at?: string
  sessions?: number; totp?: boolean; grants: Grant[]
}
export interface NewUser { username: string; name: string; class: AccountClass; password: string; expires_at?: string | null; grants?: Grant[] }
export interface Suspect { id: string; username: string; name: string; class?: AccountClass; state?: string; last_login_at?: string | null; reasons: string[] }
export type UserAct = 'disable' | 'enable' | 'reset_password' | 'unlock' | 'end_sessions'

const one = (id: string) => `/api/users/${encodeURIComponent(id)}`
export const list = (query: Query) => page<User>('/api/users', query)
export const find = (id: string) => get<User>(one(id))
export const create = (body: NewUser) => post<User>('/api/users', body)
export const change = (id: string, body: Partial<Pick<User, 'name' | 'expires_at'>>) => patch<User>(one(id), body)
export const act = (id: string, what: UserAct, body: unknown = {}) => post<User | null>(`${one(id)}/${what}`, body)
export const grant = (id: string, grants: Grant[]) => put<User | null>(`${one(id)}/grants`, { grants })
export const report = () => page<Suspect>('/api/users/report')
