/** What an alarm shows beside its words: pictures, and the vehicle somebody waits for. */
import type { Alarm } from '@/api/types'
import type { Picture } from '@/api/vehicles'
import { ordered, pictureUrl } from '@/api/pictures'

export interface Told { plate: string; kind: string; reason: string; direction: string; passage: string; pictures: Picture[] }

/** Ask for the first picture before anything is drawn: the pop-up then finds it on its way or there. */
export function preload(alarm: Pick<Alarm, 'id'> & { event?: unknown }): void {
  const first = told(alarm).pictures[0]
  if (first?.ticket) new Image().src = pictureUrl(first)
}

/** The event that raised it comes with every alarm; its detail holds what the device told. */
export function told(alarm: Pick<Alarm, 'id'> & { event?: unknown }): Told {
  const detail = ((alarm.event as { detail?: Record<string, unknown> } | undefined)?.detail ?? {}) as Record<string, unknown>
  const text = (name: string) => (typeof detail[name] === 'string' ? (detail[name] as string) : '')
  const pictures = Array.isArray(detail.pictures) ? ordered(detail.pictures as Picture[]) : []
  return { plate: text('plate'), kind: text('entry_kind'), reason: text('reason'), direction: text('direction'), passage: text('passage_id'), pictures }
}
