import { onBeforeUnmount, shallowRef } from 'vue'

import * as api from '@/api/jobs'
import type { Job } from '@/api/jobs'
import { tellFailure } from './toasts'

const LOOK_MS = 200

/** Follows one piece of work at the server until it ends; leaving the page leaves it running. */
export function useJob<T>() {
  const job = shallowRef<Job<T> | null>(null)
  let watched = ''
  async function follow(begun: Job<T>): Promise<Job<T> | null> {
    watched = begun.id
    for (let now = begun; ; now = await api.find<T>(begun.id)) {
      if (watched !== begun.id) return null
      job.value = now
      if (now.state !== 'running') return now
      await new Promise((resolve) => { setTimeout(resolve, LOOK_MS) })
    }
  }
  async function stop(): Promise<void> {
    try { if (job.value?.state === 'running') await api.cancel(job.value.id) } catch (problem) { tellFailure(problem) }
  }
  function forget(): void { watched = ''; job.value = null }
  onBeforeUnmount(() => { watched = '' })
  return { job, follow, stop, forget }
}
