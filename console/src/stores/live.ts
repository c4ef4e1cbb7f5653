import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'

import { LiveLink, type Status } from '@/api/live'
import type { Alarm, Change } from '@/api/types'
import { useClock } from './clock'
import { useSession } from './session'

type Hear = (changes: Change[]) => void
/** A short break heals by itself and is not worth a word. */
const GRACE_MS = 1_500
const ENDED = new Set(['no_session', 'session_ended'])

/** The one live line of this page: hands changes to whoever listens and knows how the links stand. */
export const useLive = defineStore('live', () => {
  const up = ref(false)
  const started = ref(false)
  const reason = ref('')
  const downSince = ref(0)
  const status = shallowRef<Status | null>(null)
  const lastEventAt = ref<string | null>(null)
  const listeners = new Set<Hear>()
  const resets = new Set<() => void>()
  const unsaved = new Set<(alarm: Alarm) => void>()
  let link: LiveLink | null = null
  let watch: ReturnType<typeof setInterval> | undefined

  const clock = useClock()
  const databaseAway = computed(() => status.value?.database === 'away')
  const broken = computed(() => started.value && ((!up.value && clock.now - clock.offset - downSince.value > GRACE_MS) || databaseAway.value))

  function hearEvent(at: unknown): void {
    if (typeof at === 'string' && at > (lastEventAt.value ?? '')) lastEventAt.value = at
  }
  function changed(changes: Change[]): void {
    for (const each of changes) if (each.kind === 'event') hearEvent(each.body.received_at)
    for (const hear of listeners) hear(changes)
  }
  function told(next: Status): void {
    status.value = next
    clock.sync(next.at)
    hearEvent(next.last_event_at)
  }
  function state(isUp: boolean, why: string): void {
    if (up.value && !isUp) downSince.value = Date.now()
    up.value = isUp
    reason.value = why
    if (!isUp && ENDED.has(why)) { stop(); useSession().forget('ended') }
  }
  function start(): void {
    if (link) return
    downSince.value = Date.now()
    started.value = true
    link = new LiveLink({
      changes: changed, status: told, state,
      rights: () => void useSession().reload(),
      unsaved: (alarm) => { for (const hear of unsaved) hear(alarm) },
      reset: () => { for (const again of resets) again() },
    })
    link.start()
    watch = setInterval(() => link?.check(), 1_000)
  }
  function stop(): void {
    clearInterval(watch)
    link?.stop()
    link = null
    started.value = false
    up.value = false
    status.value = null
  }

  /** Hear changes until the returned function is called; `reset` says: load again, something was missed. */
  function follow(hear: Hear, reset: () => void, hearUnsaved?: (alarm: Alarm) => void): () => void {
    listeners.add(hear)
    resets.add(reset)
    if (hearUnsaved) unsaved.add(hearUnsaved)
    return () => { listeners.delete(hear); resets.delete(reset); if (hearUnsaved) unsaved.delete(hearUnsaved) }
  }

  return { up, started, reason, downSince, status, lastEventAt, databaseAway, broken, start, stop, follow }
})
