import { reactive } from 'vue'

import { explain } from './failure'

export interface Toast { id: number; kind: 'done' | 'wrong' | 'level'; text: string; detail: string; level?: number; act?: () => void }
const LASTS_MS = { done: 4_000, wrong: 10_000, level: 8_000 }
const MOST = 3

export const toasts = reactive<Toast[]>([])
let last = 0

export function dismiss(id: number): void {
  const at = toasts.findIndex((each) => each.id === id)
  if (at >= 0) toasts.splice(at, 1)
}
/** Alarms that are now on screen themselves need no toast. */
export function dismissAlarms(): void {
  for (const each of [...toasts]) if (each.kind === 'level') dismiss(each.id)
}
function show(toast: Omit<Toast, 'id'>): void {
  const id = ++last
  toasts.push({ ...toast, id })
  if (toasts.length > MOST) toasts.shift()
  setTimeout(() => dismiss(id), LASTS_MS[toast.kind])
}
export const tell = (text: string, detail = '') => show({ kind: 'done', text, detail })
export const tellAlarm = (level: number, text: string, act: () => void) => show({ kind: 'level', text, detail: '', level, act })
export function tellFailure(error: unknown): void {
  const found = explain(error)
  show({ kind: 'wrong', text: `${found.title} · ${found.why}`, detail: `${found.what} [${found.code}]` })
}
