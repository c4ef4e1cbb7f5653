/** Rules of the alarm list: merging, order, age. No I/O. */
import type { Alarm, AlarmStep, Change } from '@/api/types'

export const STORM_NEW = 10
export const STORM_WINDOW_MS = 600_000
const FIRE_LIKE = new Set(['fire', 'fire_manual', 'panic', 'duress', 'help', 'gas'])

/** Take a value only if it is newer than what is shown: push and reload may overtake each other. */
export function mergeAlarm(known: Map<string, Alarm>, next: Alarm): boolean {
  const old = known.get(next.id)
  if (old && !old.unsaved && old.version >= next.version) return false
  known.set(next.id, next)
  if (!next.unsaved) dropUnsavedTwin(known, next)
  return true
}

function dropUnsavedTwin(known: Map<string, Alarm>, saved: Alarm): void {
  for (const each of known.values())
    if (each.unsaved && each.id !== saved.id && each.device_id === saved.device_id && each.zone === saved.zone && each.kind === saved.kind)
      known.delete(each.id)
}

export function mergeStep(known: Map<string, AlarmStep[]>, step: AlarmStep): void {
  const steps = known.get(step.alarm_id) ?? []
  if (steps.some((each) => each.id === step.id)) return
  known.set(step.alarm_id, [...steps, step].sort((a, b) => a.version - b.version || a.at.localeCompare(b.at)))
}

export function applyChanges(alarms: Map<string, Alarm>, steps: Map<string, AlarmStep[]>, changes: Change[]): Alarm[] {
  const raised: Alarm[] = []
  for (const change of changes) {
    if (change.kind === 'alarm_step') mergeStep(steps, change.body as unknown as AlarmStep)
    if (change.kind !== 'alarm') continue
    const alarm = { ...(change.body as unknown as Alarm), id: change.id, version: change.version }
    const first = !alarms.has(alarm.id)
    if (mergeAlarm(alarms, alarm) && first && alarm.state === 'new') raised.push(alarm)
  }
  return raised
}

/** Level, then unacknowledged, then newest. */
export function inOrder(alarms: Iterable<Alarm>): Alarm[] {
  const waiting = (alarm: Alarm) => (alarm.state === 'new' ? 0 : 1)
  return [...alarms].sort((a, b) => a.level - b.level || waiting(a) - waiting(b) || b.raised_at.localeCompare(a.raised_at))
}

export const mustStaySingle = (alarm: Alarm) => FIRE_LIKE.has(alarm.kind)
export const isOpen = (alarm: Alarm) => alarm.state !== 'closed'
export const isStorm = (alarms: Alarm[], now: number) =>
  alarms.filter((each) => each.state === 'new' && now - Date.parse(each.raised_at) < STORM_WINDOW_MS).length > STORM_NEW

export function age(since: string, now: number): string {
  const seconds = Math.max(0, Math.floor((now - Date.parse(since)) / 1000))
  const two = (value: number) => String(value).padStart(2, '0')
  if (seconds < 3600) return `${two(Math.floor(seconds / 60))}:${two(seconds % 60)}`
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor((seconds % 3600) / 60))}h`
}

/** The one word for where an alarm stands; an ended condition is not a handled one. */
export function standing(alarm: Alarm): string {
  if (alarm.shelved_until && Date.parse(alarm.shelved_until) > Date.now()) return 'shelved'
  if (alarm.state === 'new' && alarm.returned) return 'returned'
  return alarm.state
}
