import { onBeforeUnmount, onMounted, ref, shallowRef } from 'vue'

import * as api from '@/api/links'
import type { Lower, Ranked } from '@/api/links'
import { useClock } from '@/stores/clock'
import { useLive } from '@/stores/live'
import { useSession } from '@/stores/session'

const EVERY_MS = 5_000, SOON_MS = 600

/** The communities of this county or city and the nodes below, asked for again and again while the page is open. */
export function useCommunities() {
  const session = useSession(), clock = useClock(), live = useLive()
  const found = shallowRef<Ranked[]>([])
  const lower = shallowRef<Lower[]>([])
  const state = ref<'loading' | 'ready' | 'error'>('loading')
  const error = shallowRef<unknown>(null)
  const heardAt = ref(0)

  let turn = 0
  async function load(): Promise<void> {
    const mine = ++turn
    try {
      const [list, links] = await Promise.all([api.ranking(), session.can('links.read') ? api.links() : null])
      if (mine !== turn) return
      found.value = list.items
      lower.value = links?.lower ?? []
      state.value = 'ready'
      error.value = null
      heardAt.value = clock.now
    } catch (problem) { if (mine === turn) { error.value = problem; if (!heardAt.value) state.value = 'error' } }
  }
  /** A change of an alarm shows at once; many at a time are one question. */
  let soon: ReturnType<typeof setTimeout> | undefined
  function hear(kinds: readonly string[]): void {
    if (soon || !kinds.some((each) => each === 'alarm' || each === 'device')) return
    soon = setTimeout(() => { soon = undefined; void load() }, SOON_MS)
  }
  let timer: ReturnType<typeof setInterval> | undefined
  let unfollow = () => {}
  onMounted(() => {
    void load()
    timer = setInterval(() => { if (!document.hidden) void load() }, EVERY_MS)
    unfollow = live.follow((changes) => hear(changes.map((each) => each.kind)), () => { void load() })
  })
  onBeforeUnmount(() => { clearInterval(timer); clearTimeout(soon); unfollow() })
  return { found, lower, state, error, heardAt, load }
}
