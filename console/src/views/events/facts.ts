import type { FiledEvent } from '@/api/events'
import type { Change } from '@/api/types'
import type { Chosen } from '@/components/filters'
import { spanText } from '@/components/time'
import { say, word } from '@/locales'

const MASK = '•••'

/** Whether the server hid something of this event that may name a person. */
export const hidden = (event: FiledEvent): boolean => Object.values(event.detail ?? {}).includes(MASK)

/** How far the device's clock was off, in words; under a second it is right. */
export function offsetText(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return ''
  if (Math.abs(ms) < 1000) return say('pages.devices.clock_exact')
  return say(ms > 0 ? 'pages.devices.clock_ahead' : 'pages.devices.clock_behind', { span: spanText(Math.abs(ms) / 1000) })
}

export const zoneText = (event: Pick<FiledEvent, 'zone' | 'zone_name'>): string => [event.zone_name, event.zone === '/' ? '' : event.zone].filter(Boolean).join(' · ')

/** The code of a report; what a node says of itself is said in words. */
export const codeText = (space: string | undefined, code: string | null | undefined): string => (space === 'anju' ? word('pages.itself', code) : [space, code].filter(Boolean).join(' '))

/** A value of a detail on one line. */
export const plain = (value: unknown): string => (value === null || value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value as string))

/** The event a pushed change brings, where it fits the filters chosen; `place` is the id of any place above it. */
export function pushed(change: Change, chosen: Chosen): FiledEvent | null {
  if (change.kind !== 'event') return null
  const event = change.body as unknown as FiledEvent
  const at = Date.parse(event.received_at)
  const fits = (!chosen.kind || event.kind === chosen.kind) && (!chosen.device || event.device_id === chosen.device)
    && (!chosen.place || event.place_path.includes(`/${chosen.place}/`)) && !(at < Date.parse(chosen.since ?? '')) && !(at >= Date.parse(chosen.until ?? ''))
  return fits ? event : null
}
