/** Chinese first, English complete: a key missing in either is a type error, and so is asking for one that does not exist. */
import { createI18n } from 'vue-i18n'

import { en } from './en'
import { zh } from './zh'

export type Language = 'zh' | 'en'
type Leaves<T> = { [K in keyof T & string]: T[K] extends string ? K : `${K}.${Leaves<T[K]>}` }[keyof T & string]
type Branches<T> = { [K in keyof T & string]: T[K] extends string ? never : K | `${K}.${Branches<T[K]>}` }[keyof T & string]
export type Key = Leaves<typeof zh>
export type Branch = Branches<typeof zh>
export type Values = Record<string, string | number>

export const i18n = createI18n({ legacy: false, locale: 'zh', fallbackLocale: 'zh', messages: { zh, en }, missingWarn: false, fallbackWarn: false })

export function speak(language: Language): void {
  i18n.global.locale.value = language
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en'
}
export const spoken = (): Language => i18n.global.locale.value as Language
export const say = (key: Key, values: Values = {}): string => i18n.global.t(key, values)

/** The word for a value the server sent, e.g. an alarm's kind; a value nobody translated is shown as it is. */
export function word(branch: Branch, value: string | null | undefined): string {
  if (!value) return ''
  const key = `${branch}.${value}`
  return i18n.global.te(key, 'zh') ? i18n.global.t(key) : value
}

/** What a template needs; the same for all, so that a list of hundreds of small components costs nothing. */
const words = { t: i18n.global.t as (key: Key, values?: Values) => string, word, locale: i18n.global.locale }
export const useWords = () => words
