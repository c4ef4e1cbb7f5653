import { get, page, patch, post, put, type Query } from './client'

export type AccountClass = 'system' | 'security' | 'audit' | 'operator'
export type ScopeKind = 'everything' | 'place' | 'jurisdiction'
export interface Grant { role: string; scope_kind: ScopeKind; scope_value: string; expires_at?: string | null }
/** A grant as it stands, with names that the reader of accounts may not be able to look up himself. */
export interface StandingGrant extends Grant { role_name?: string; role_name_en?: string; scope_name?: string }
export interface User {
  id: string; username: string; name: string; class: AccountClass; state: string; must_change?: boolean
  locked_until?: string | null; expires_at?: string | null; last_login_at?: string | null; created_at?: string
  password_changed_at?: string; sessions?: number; totp?: boolean; pin?: boolean; phone?: string; grants: StandingGrant[]
}
export interface NewUser { username: string; name: string; class: AccountClass; password: string; expires_at?: string | null; phone?: string }
export interface Suspect { id: string; username: string; name: string; class?: AccountClass; state?: string; last_login_at?: string | null; reasons: string[]; peers?: string[] }
export type UserAct = 'disable' | 'enable' | 'unlock' | 'end_sessions'

const one = (id: string) => `/api/users/${encodeURIComponent(id)}`
export const list = (query: Query) => page<User>('/api/users', query)
export const find = (id: string) => get<User>(one(id))
export const create = (body: NewUser) => post<User>('/api/users', body)
export const change = (id: string, body: Partial<Pick<User, 'name' | 'expires_at' | 'phone'>>) => patch<User>(one(id), body)
export const act = (id: string, what: UserAct) => post<User>(`${one(id)}/${what}`)
/** The answer tells the new password once; an empty one is made up by the server. */
export const resetPassword = (id: string, password: string) => post<User & { password: string }>(`${one(id)}/reset_password`, { password })
export const revealPhone = (id: string, reason: string) => post<{ phone: string }>(`${one(id)}/phone`, { reason })
export const grant = (id: string, grants: Grant[]) => put<User>(`${one(id)}/grants`, { grants })
export const report = () => page<Suspect>('/api/users/report')
