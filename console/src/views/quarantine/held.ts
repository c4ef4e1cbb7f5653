import type { HeldValue } from '@/api/quarantine'
import { word } from '@/locales'

/** Whether it is a panel's report; else it is a row of a node below. */
export const isReport = (value: HeldValue): boolean => value.account !== undefined

export const kindWord = (value: HeldValue): string => (isReport(value) ? word('pages.event_kind', value.kind) : word('pages.links.kinds', value.kind))

/** What a held record says, on one line. */
export function gist(value: HeldValue): string {
  const zone = [value.area, value.zone].filter(Boolean).join('/')
  const parts = isReport(value) ? [value.protocol, value.account, kindWord(value), value.code, zone] : [kindWord(value), value.object_id]
  return parts.filter(Boolean).join(' · ') || value.error || ''
}
