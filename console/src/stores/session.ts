import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'

import { ApiError } from '@/api/client'
import * as api from '@/api/session'
import type { SessionView } from '@/api/types'
import { speak, spoken, type Language } from '@/locales'
import { setType, wear, type Theme } from '@/theme'

const REMEMBERED = 'anju.look'
interface Look { theme: Theme; language: Language; large: boolean }

function remembered(): Look {
  const fallback: Look = { theme: 'dark', language: 'zh', large: false }
  try { return { ...fallback, ...(JSON.parse(localStorage.getItem(REMEMBERED) ?? '{}') as Partial<Look>) } } catch { return fallback }
}

/** Who sits here, what they may do, and how they like it to look. */
export const useSession = defineStore('session', () => {
  const view = shallowRef<SessionView | null>(null)
  const look = ref<Look>(remembered())
  let asking: Promise<void> | null = null

  const account = computed(() => view.value?.account ?? null)
  const locked = computed(() => view.value?.locked ?? false)
  const tier = computed(() => view.value?.node.tier ?? 'community')
  const can = (action: string) => account.value?.actions.includes(action) ?? false
  /** Who handles alarms sits at a desk: larger type, and idling locks it instead of logging out. */
  const desk = computed(() => can('alarms.handle'))
  const ended = ref(false)

  function apply(): void {
    wear(look.value.theme)
    speak(look.value.language)
    setType(look.value.large ? 'large' : desk.value ? 'guard' : 'normal')
    localStorage.setItem(REMEMBERED, JSON.stringify(look.value))
  }

  function take(next: SessionView): void {
    view.value = next
    const { theme, language, layout } = next.account
    look.value = { theme: theme ?? look.value.theme, language: language ?? look.value.language, large: Boolean(layout?.large_type ?? look.value.large) }
    apply()
  }

  async function load(): Promise<void> {
    try { take(await api.current()) } catch (error) {
      if (!(error instanceof ApiError) || error.status === 401) view.value = null
      else throw error
    }
  }
  /** Counts how often the rights of who sits here were changed under the open page. */
  const rights = ref(0)
  async function reload(): Promise<void> {
    await load().catch(() => undefined)
    rights.value++
  }
  /** Resolves once it is known whether somebody is logged in. */
  function ready(): Promise<void> {
    asking ??= load().catch(() => { asking = null })
    return view.value ? Promise.resolve() : asking
  }

  async function login(username: string, password: string, totp?: string): Promise<void> {
    take((await api.login(username, password, totp)) ?? (await api.current()))
    ended.value = false
  }
  async function takeDesk(username: string, secret: string): Promise<void> {
    take((await api.takeDesk(username, secret)) ?? (await api.current()))
  }
  /** Nobody sits here any more; `ended` when the server ended it, not the person. */
  function forget(how: 'left' | 'ended' = 'left'): void {
    ended.value = how === 'ended' && view.value !== null
    view.value = null
    asking = Promise.resolve()
    apply()
  }
  async function logout(): Promise<void> { try { await api.logout() } finally { forget() } }
  function markLocked(on: boolean): void { if (view.value) view.value = { ...view.value, locked: on } }
  async function lock(): Promise<void> { await api.lock(); markLocked(true) }
  async function unlock(secret: string): Promise<void> { await api.unlock(secret); take(await api.current()) }

  /** Looks change at once and are kept for the person at the server; here only for the log-in page. */
  async function prefer(change: Partial<Look>): Promise<void> {
    look.value = { ...look.value, ...change }
    apply()
    if (!view.value) return
    const { theme, language, large } = change
    await api.prefer({
      ...(theme ? { theme } : {}), ...(language ? { language } : {}),
      ...(large === undefined ? {} : { layout: { ...(account.value?.layout ?? {}), large_type: large } }),
    }).catch(() => undefined)
  }
  /** Keep how a page is laid out, with the person at the server. */
  async function arrange(change: Record<string, unknown>): Promise<void> {
    if (!view.value) return
    const layout = { ...(view.value.account.layout ?? {}), ...change }
    view.value = { ...view.value, account: { ...view.value.account, layout } }
    await api.prefer({ layout }).catch(() => undefined)
  }
  const toggleLanguage = () => prefer({ language: spoken() === 'zh' ? 'en' : 'zh' })

  return { view, look, account, locked, ended, tier, desk, rights, can, apply, load, reload, ready, login, logout, forget, lock, unlock, markLocked, takeDesk, prefer, arrange, toggleLanguage }
})
