import type { HeldValue } from '@/api/quarantine'
import { say, word } from '@/locales'

/** Whether it is a panel's report, or what a capture device saw; else it is a row of a node below. */
export const isReport = (value: HeldValue): boolean => value.account !== undefined
export const isCapture = (value: HeldValue): boolean => value.device !== undefined

export function kindWord(value: HeldValue): string {
  if (isCapture(value)) return word('records.capture', value.kind)
  return isReport(value) ? word('pages.event_kind', value.kind) : word('pages.links.kinds', value.kind)
}

/** Who has to be registered before it can be kept, as the form of a device begins; null where that is not the cause. */
export function stranger(reason: string, value: HeldValue): { protocol: string; account: string } | null {
  if (reason === 'unknown_account' && isReport(value)) return { protocol: value.protocol ?? '', account: value.account ?? '' }
  return reason === 'unknown_device' && value.device ? { protocol: 'viid', account: value.device } : null
}

/** What a held record says, on one line. */
export function gist(value: HeldValue): string {
  const zone = [value.area, value.zone].filter(Boolean).join('/')
  const pictures = value.pictures ? say('records.pictures', { n: value.pictures }) : ''
  const report = [value.protocol, value.account, kindWord(value), value.code, zone]
  const parts = isCapture(value) ? ['GA/T 1400', kindWord(value), value.device, pictures] : isReport(value) ? report : [kindWord(value), value.object_id]
  return parts.filter(Boolean).join(' · ') || value.error || ''
}
