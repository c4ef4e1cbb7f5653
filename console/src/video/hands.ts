/** Who moves a camera, and moving it: one channel at a time, refusals in words. */
import { ref, shallowRef, watch, onBeforeUnmount, type Ref } from 'vue'

import { ApiError } from '@/api/client'
import * as api from '@/api/video'
import type { Instruction, Lock, Preset } from '@/api/video'
import { tellFailure } from '@/components/toasts'
import { STOP } from './ptz'

const LOOK_MS = 5_000

export function useHands(channel: Ref<string | null>, wanted: Ref<boolean>) {
  const lock = shallowRef<Lock | null>(null)
  const presets = shallowRef<Preset[]>([])
  const refused = shallowRef<unknown>(null)
  const busy = ref(false)
  let moving: string | null = null

  async function look(): Promise<void> {
    const id = channel.value
    if (!id || !wanted.value) return
    const found = await api.lock(id).catch(() => null)
    if (id === channel.value && found) lock.value = found
  }
  async function loadPresets(): Promise<void> {
    const id = channel.value
    if (!id || !wanted.value) return
    const found = await api.presets(id).catch(() => null)
    if (id === channel.value) presets.value = found?.items ?? []
  }
  async function send(wish: Instruction, id = channel.value): Promise<boolean> {
    if (!id) return false
    busy.value = true
    try {
      const answer = await api.ptz(id, wish)
      if (id === channel.value) { lock.value = answer.lock ?? lock.value; refused.value = null }
      return true
    } catch (error) {
      if (id === channel.value) taken(error)
      return false
    } finally { busy.value = false }
  }
  /** Somebody else has it: the panel says who, and until when. */
  function taken(error: unknown): void {
    refused.value = error
    if (error instanceof ApiError && error.code === 'ptz_locked') void look()
    tellFailure(error)
  }
  async function move(wish: Instruction): Promise<void> {
    const id = channel.value
    moving = wish.pan || wish.tilt || wish.zoom || wish.value ? id : null
    await send(wish, id)
  }
  /** Whatever moved stops: the key was let go, the page was left, another pane chosen. */
  function stop(): void {
    const id = moving
    moving = null
    if (id) void send(STOP, id)
  }

  watch([channel, wanted], () => { stop(); lock.value = null; presets.value = []; refused.value = null; void look(); void loadPresets() }, { immediate: true })
  const timer = setInterval(() => void look(), LOOK_MS)
  addEventListener('blur', stop)
  onBeforeUnmount(() => { stop(); clearInterval(timer); removeEventListener('blur', stop) })
  return { lock, presets, refused, busy, send, move, stop, loadPresets }
}
export type Hands = ReturnType<typeof useHands>
