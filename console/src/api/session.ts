import { get, patch, post, remove } from './client'
import type { SessionView } from './types'

export interface NewAdministrator { class: 'system' | 'security' | 'audit'; username: string; name: string; password: string }
export interface Preferences { language?: 'zh' | 'en'; theme?: 'dark' | 'light'; layout?: Record<string, unknown> }
export const current = () => get<SessionView>('/api/session')
export const login = (username: string, password: string, totp?: string) =>
  post<SessionView | null>('/api/session', { username, password, ...(totp ? { totp } : {}) })
export const logout = () => remove<null>('/api/session')
export const lock = () => post<null>('/api/session/lock')
export const unlock = (pin_or_password: string) => post<null>('/api/session/unlock', { pin_or_password })
/** Change of guard: another person takes the desk, the layout stays. */
export const takeDesk = (username: string, pin_or_password: string) => post<SessionView | null>('/api/session/switch', { username, pin_or_password })
export const reauthenticate = (password: string) => post<null>('/api/session/reauthenticate', { password })
export const prefer = (wanted: Preferences) => patch<null>('/api/session/preferences', wanted)
export const changePassword = (old: string, next: string) => post<null>('/api/session/password', { old, new: next })
export const setPin = (password: string, pin: string) => post<null>('/api/session/pin', { password, pin })
export const newTotp = () => post<{ secret: string; uri: string }>('/api/session/totp')
export const confirmTotp = (code: string) => post<null>('/api/session/totp/confirm', { code })
export const setupNeeded = () => get<{ needed: boolean }>('/api/setup')
export const setup = (token: string, node_name: string, accounts: NewAdministrator[]) =>
  post<null>('/api/setup', { token, node_name, accounts })
