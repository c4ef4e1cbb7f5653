/** Which switch suits a quirk: by what it is now, and what it may be. Pure. */
import type { QuirkValue } from '@/api/video'

export type Control = 'switch' | 'choice' | 'number' | 'text' | 'list'
const NUMBERS = new Set(['position_s', 'keepalive_s', 'missed'])

export function controlOf(name: string, value: QuirkValue, options?: readonly string[]): Control {
  if (options?.length) return 'choice'
  if (typeof value === 'boolean') return 'switch'
  if (Array.isArray(value)) return 'list'
  return typeof value === 'number' || NUMBERS.has(name) ? 'number' : 'text'
}

/** What differs from what is kept, as it is sent. */
export function changed(kept: Readonly<Record<string, QuirkValue>>, form: Readonly<Record<string, QuirkValue>>): Record<string, QuirkValue> {
  return Object.fromEntries(Object.entries(form).filter(([name, value]) => JSON.stringify(value ?? null) !== JSON.stringify(kept[name] ?? null)))
}
export const listOf = (text: string): string[] => text.split(/[\s,;，；]+/).filter(Boolean)
