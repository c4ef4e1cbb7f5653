import { get, patch, post, remove } from './client'
import type { SessionView } from './types'

export interface NewAdministrator { class: 'system' | 'security' | 'audit'; username: string; name: string; password: string }
export const current = () => get<SessionView>('/api/session')
export const login = (username: string, password: string, totp?: string) =>
  post<SessionView | null>('/api/session', { username, password, ...(totp ? { totp } : {}) })
export const logout = () => remove<null>('/api/session')
export const lock = () => post<null>('/api/session/lock')
export const unlock = (pin_or_password: string) => post<null>('/api/session/unlock', { pin_or_password })
export const reauthenticate = (password: string) => post<null>('/api/session/reauthenticate', { password })
export const prefer = (wanted: { language?: string; theme?: string }) => patch<null>('/api/session/preferences', wanted)
export const setupNeeded = () => get<{ needed: boolean }>('/api/setup')
export const setup = (token: string, node_name: string, accounts: NewAdministrator[]) =>
  post<null>('/api/setup', { token, node_name, accounts })
