/** Rules of the alarm list: merging, order, age. No I/O. */
import type { Alarm, AlarmStep, Change } from '@/api/types'

export const STORM_NEW = 10
export const STORM_WINDOW_MS = 600_000
/** Somebody's life may hang on these: never grouped, shelved, or closed without a person on site. */
const LIFE = new Set(['fire', 'fire_manual', 'panic', 'duress', 'help'])
/** These open by themselves whatever their level was set to. */
const ALWAYS_POP = new Set([...LIFE, 'gas', 'fire_supervisory', 'intrusion', 'watch_list'])
const KEPT_CLOSED = 300

/** Take a value only if it is newer than what is shown: push and reload may overtake each other. */
export function mergeAlarm(known: Map<string, Alarm>, next: Alarm): boolean {
  const old = known.get(next.id)
  if (old && !old.unsaved && old.version >= next.version) return named(known, old, next)
  known.set(next.id, next.site_name || !old?.site_name ? next : { ...next, site_name: old.site_name })
  if (!next.unsaved) dropUnsavedTwin(known, next)
  return true
}

/** Pushed alarms do not say the name of their community, loaded ones do: take it, whatever came first. */
function named(known: Map<string, Alarm>, old: Alarm, same: Alarm): false {
  if (same.site_name && !old.site_name) known.set(old.id, { ...old, site_name: same.site_name })
  return false
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

/** Times are all written alike, so plain order is their order, and much faster than a language's. */
const later = (a: string, b: string) => (a < b ? 1 : a > b ? -1 : 0)

/** Level, then unacknowledged, then newest. */
export function inOrder(alarms: Iterable<Alarm>): Alarm[] {
  const waiting = (alarm: Alarm) => (alarm.state === 'new' ? 0 : 1)
  return [...alarms].sort((a, b) => a.level - b.level || waiting(a) - waiting(b) || later(a.raised_at, b.raised_at))
}

export const isLife = (alarm: Alarm) => LIFE.has(alarm.kind)
export const mustStaySingle = (alarm: Alarm) => isLife(alarm) || alarm.kind === 'gas'
export const isOpen = (alarm: Alarm) => alarm.state !== 'closed' && alarm.state !== 'to_review'
export const isShelved = (alarm: Alarm, now: number) => alarm.shelved_until !== null && Date.parse(alarm.shelved_until) > now
/** Waits for somebody and may call for attention: not shelved, not bypassed by rule. */
export const isWaiting = (alarm: Alarm, now: number) => alarm.state === 'new' && !alarm.bypassed && !isShelved(alarm, now)
export const popsUp = (alarm: Alarm) => alarm.level <= 2 || ALWAYS_POP.has(alarm.kind)

/** Alarms that wait for somebody, by level; drills are not counted. */
export function counted(alarms: Iterable<Alarm>): Record<string, number> {
  const counts: Record<string, number> = { 1: 0, 2: 0, 3: 0, 4: 0 }
  for (const each of alarms) if (each.state === 'new' && !each.drill) counts[each.level] = (counts[each.level] ?? 0) + 1
  return counts
}

export interface Wanted { level?: string; kind?: string; place?: string; q?: string; drill?: string }
/** Whether an alarm fits the filters in the address bar; `place` is an id anywhere on its path. */
export function fits(alarm: Alarm, wanted: Wanted): boolean {
  const text = `${alarm.place_name} ${alarm.device_name} ${alarm.zone_name ?? ''} ${alarm.site_name ?? ''} ${alarm.code ?? ''}`.toLowerCase()
  return (!wanted.level || String(alarm.level) === wanted.level) && (!wanted.kind || alarm.kind === wanted.kind)
    && (!wanted.place || alarm.place_path.includes(`/${wanted.place}/`)) && (!wanted.q || text.includes(wanted.q.toLowerCase()))
    && (!wanted.drill || String(alarm.drill) === wanted.drill)
}

export interface Group { key: string; alarms: Alarm[]; waiting: number; level: number; latest: Alarm }
/** A flood as groups of one device and kind; what a life may hang on always stands alone. */
export function grouped(alarms: readonly Alarm[]): Group[] {
  const byKey = new Map<string, Alarm[]>()
  for (const each of alarms) {
    const key = mustStaySingle(each) || !each.storm_key ? each.id : each.storm_key
    const members = byKey.get(key)
    if (members) members.push(each)
    else byKey.set(key, [each])
  }
  const groups = [...byKey].map(([key, members]) => group(key, members))
  return groups.sort((a, b) => a.level - b.level || Number(b.waiting > 0) - Number(a.waiting > 0) || later(a.latest.raised_at, b.latest.raised_at))
}
function group(key: string, alarms: Alarm[]): Group {
  const latest = alarms.reduce((a, b) => (b.raised_at > a.raised_at ? b : a))
  return { key, alarms, latest, waiting: alarms.filter((each) => each.state === 'new').length, level: Math.min(...alarms.map((each) => each.level)) }
}

/** Forget the oldest closed alarms: the list is of what is open, and a desk runs for weeks. */
export function prune(alarms: Map<string, Alarm>, kept: ReadonlySet<string>): void {
  const closed = [...alarms.values()].filter((each) => !isOpen(each) && !kept.has(each.id))
  closed.sort((a, b) => (a.closed_at ?? '').localeCompare(b.closed_at ?? ''))
  for (const each of closed.slice(0, Math.max(0, closed.length - KEPT_CLOSED))) alarms.delete(each.id)
}

export function isStorm(alarms: readonly Alarm[], now: number): boolean {
  const since = new Date(now - STORM_WINDOW_MS).toISOString()
  return alarms.filter((each) => each.state === 'new' && each.raised_at > since).length > STORM_NEW
}

export function age(since: string, now: number): string {
  const seconds = Math.max(0, Math.floor((now - Date.parse(since)) / 1000))
  const two = (value: number) => String(value).padStart(2, '0')
  if (seconds < 3600) return `${two(Math.floor(seconds / 60))}:${two(seconds % 60)}`
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor((seconds % 3600) / 60))}h`
}

/** The one word for where an alarm stands; an ended condition is not a handled one. */
export type Standing = 'new' | 'acknowledged' | 'handling' | 'to_review' | 'closed' | 'returned' | 'shelved' | 'bypassed'
export function standing(alarm: Alarm, now = Date.now()): Standing {
  if (isOpen(alarm) && isShelved(alarm, now)) return 'shelved'
  if (isOpen(alarm) && alarm.bypassed) return 'bypassed'
  if (alarm.state === 'new' && alarm.returned) return 'returned'
  return alarm.state
}
