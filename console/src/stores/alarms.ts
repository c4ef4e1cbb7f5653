import { defineStore } from 'pinia'
import { computed, nextTick, reactive, ref, shallowReactive, shallowRef, triggerRef } from 'vue'

import * as api from '@/api/alarms'
import type { Alarm, AlarmStep, Change } from '@/api/types'
import { applyChanges, counted, grouped, inOrder, isOpen, isStorm, isWaiting, mergeAlarm, mergeStep, popsUp, prune } from '@/alarms/list'
import { Pulse } from '@/alarms/pulse'
import { preload } from '@/alarms/pictures'
import { calling, neighbour } from '@/alarms/popups'
import { Steps, type Action, type Sent } from '@/alarms/steps'
import { tellAlarm, tellFailure } from '@/components/toasts'
import { say, word } from '@/locales'
import { useClock } from './clock'
import { useLive } from './live'
import { useSession } from './session'

const PAGE = 200, MOST_PAGES = 10
export const UNDO_MS = 10_000
export interface Closed { id: string; text: string; until: number }

/** All open alarms this account may see, kept by push; what stands open on the desk; the steps on their way. */
export const useAlarms = defineStore('alarms', () => {
  const known = shallowRef(new Map<string, Alarm>())
  const steps = shallowRef(new Map<string, AlarmStep[]>())
  const state = ref<'loading' | 'ready' | 'error'>('loading')
  const error = shallowRef<unknown>(null)
  const complete = ref(false)
  const shown = ref<string | null>(null)
  const dismissed = reactive(new Set<string>())
  const touched = reactive(new Set<string>())
  const sent = shallowReactive(new Map<string, Sent>())
  const closed = ref<Closed | null>(null)
  /** The list itself is on screen: no toast repeats it. */
  const listed = ref(false)
  const refusals = shallowReactive(new Map<string, unknown>())
  const findings = shallowReactive(new Map<string, string[]>())
  const raisedListeners = new Set<(alarm: Alarm) => void>()

  const clock = useClock(), live = useLive(), session = useSession()
  const open = computed(() => inOrder([...known.value.values()].filter(isOpen)))
  const storm = computed(() => isStorm(open.value, clock.now))
  const groups = computed(() => grouped(open.value))
  const counts = computed(() => (complete.value ? counted(known.value.values()) : (live.status?.counters ?? counted(known.value.values()))))
  const queue = computed(() => calling(known.value.values(), { shown: shown.value, dismissed, storm: storm.value }, clock.now))
  const current = computed(() => (shown.value ? (known.value.get(shown.value) ?? null) : null))
  const more = computed(() => queue.value.filter((each) => each.id !== shown.value).length)

  async function load(): Promise<void> {
    if (!session.can('alarms.read')) { state.value = 'ready'; return }
    try {
      let cursor: string | null = null, pages = 0
      const seen = new Set<string>()
      do {
        const found: { items: Alarm[]; next: string | null } = await api.list({ state: 'open', limit: PAGE, cursor })
        for (const each of found.items) { seen.add(each.id); mergeAlarm(known.value, each) }
        triggerRef(known)
        cursor = found.next
      } while (cursor && ++pages < MOST_PAGES)
      complete.value = cursor === null
      if (complete.value) dropUnseen(seen)
      state.value = 'ready'
    } catch (problem) {
      error.value = problem
      state.value = state.value === 'ready' ? 'ready' : 'error'
    }
  }
  /** After a gap: what the server no longer lists as open was closed meanwhile. */
  function dropUnseen(seen: Set<string>): void {
    const since = clock.now - 30_000
    for (const each of known.value.values())
      if (isOpen(each) && !each.unsaved && !seen.has(each.id) && each.id !== shown.value && Date.parse(each.raised_at) < since) known.value.delete(each.id)
    triggerRef(known)
  }

  /** In a flood the page paints a few times a second; what sounds and is counted is not kept waiting. */
  const pulse = new Pulse(() => { triggerRef(known); triggerRef(steps); return nextTick() })
  function hear(changes: Change[]): void {
    const ours = changes.filter((each) => each.kind === 'alarm' || each.kind === 'alarm_step' || each.kind === 'command')
    if (!ours.length) return
    const raised = applyChanges(known.value, steps.value, ours)
    for (const each of ours) follow(each)
    if (known.value.size > 500) prune(known.value, new Set(shown.value ? [shown.value] : []))
    pulse.beat()
    raised.forEach(announce)
  }
  function follow(change: Change): void {
    if (change.kind === 'alarm') sender.arrived(change.id, change.version)
    if (change.kind === 'command') sender.ended(change.id, String(change.body.state ?? ''), String(change.body.outcome ?? ''))
  }
  function announce(alarm: Alarm): void {
    for (const hears of raisedListeners) hears(alarm)
    if (popsUp(alarm)) preload(alarm)
    if (!popsUp(alarm) && isWaiting(alarm, clock.now) && !storm.value && !listed.value && !session.locked)
      tellAlarm(alarm.level, `${alarm.place_name} · ${alarm.device_name} · ${word('kind', alarm.kind)}`, () => show(alarm.id))
  }
  function hearUnsaved(alarm: Alarm): void {
    const next = { ...alarm, unsaved: true }
    if (mergeAlarm(known.value, next)) { triggerRef(known); announce(next) }
  }
  const onRaised = (hears: (alarm: Alarm) => void) => { raisedListeners.add(hears); return () => raisedListeners.delete(hears) }

  const sender = new Steps({
    act: (id, action, how) => api.act(id, action, how),
    version: (id) => known.value.get(id)?.version ?? 0,
    take: (alarm) => { mergeAlarm(known.value, alarm); triggerRef(known) },
    sent: (id, what) => { if (what) sent.set(id, what); else sent.delete(id) },
    refused: (id, _action, problem) => { refusals.set(id, problem); if (shown.value !== id) tellFailure(problem) },
  })
  async function act(id: string, action: Action, how: api.Instruction = {}): Promise<boolean> {
    touched.add(id)
    refusals.delete(id)
    const before = known.value.get(id)
    const went = await sender.do(id, action, how)
    if (went && action === 'close' && before) offerUndo(before)
    if (went && action !== 'close' && !live.up) void refresh(id)
    return went
  }
  function offerUndo(alarm: Alarm): void {
    const text = `${alarm.place_name} · ${word('kind', alarm.kind)}`
    closed.value = { id: alarm.id, text, until: Date.now() + UNDO_MS }
    setTimeout(() => { if (closed.value?.id === alarm.id && Date.now() >= closed.value.until) closed.value = null }, UNDO_MS + 50)
  }
  async function undo(): Promise<void> {
    const last = closed.value
    if (!last) return
    closed.value = null
    if (await act(last.id, 'undo_close')) show(last.id)
  }

  /** Load one alarm with its steps and its event. */
  async function refresh(id: string): Promise<void> {
    try {
      const { steps: taken, ...alarm } = await api.detail(id)
      mergeAlarm(known.value, alarm)
      for (const each of taken ?? []) mergeStep(steps.value, each)
      triggerRef(known)
      triggerRef(steps)
    } catch (problem) { if (!known.value.has(id)) throw problem }
  }
  async function findingsFor(kind: string): Promise<string[]> {
    const have = findings.get(kind)
    if (have) return have
    const list = await api.findings(kind)
    findings.set(kind, list)
    return list
  }

  function show(id: string): void { dismissed.delete(id); shown.value = id }
  function dismiss(): void { if (shown.value) dismissed.add(shown.value); shown.value = null }
  function touch(id: string): void { touched.add(id) }
  /** Through what calls; through all open ones where nothing calls. */
  function walk(step: 1 | -1): void {
    const order = queue.value.length > 1 || (queue.value.length === 1 && queue.value[0]?.id !== shown.value) ? queue.value : open.value
    const next = neighbour(order, shown.value, step)
    if (next) show(next)
  }
  async function acknowledgeGroup(key: string, members: readonly Alarm[]): Promise<void> {
    members.forEach((each) => touched.add(each.id))
    await api.acknowledgeGroup(key).catch(tellFailure)
  }
  function start(): () => void {
    void load()
    return live.follow(hear, () => void load(), hearUnsaved)
  }
  function forget(): void {
    pulse.stop()
    known.value = new Map()
    steps.value = new Map()
    for (const each of [dismissed, touched, sent, refusals]) each.clear()
    shown.value = null
    closed.value = null
    state.value = 'loading'
  }
  const sentWords = (what: Sent) => say('alarm.sent', { step: word('step', what.action) })

  return {
    known, steps, state, error, complete, listed, shown, dismissed, touched, sent, closed, refusals, findings, open, storm, groups, counts, queue, current, more,
    load, onRaised, act, undo, refresh, findingsFor, show, dismiss, touch, walk, acknowledgeGroup, start, forget, sentWords,
  }
})
