/** What the desk must sound like at a moment. Pure: the player only plays. */
import type { Alarm } from '@/api/types'
import { isWaiting } from './list'

export type Tone = 'siren' | 'siren_loud' | 'beeps' | 'chime' | 'link'
export const EVERY_MS: Record<Tone, number> = { siren: 1_000, siren_loud: 1_000, beeps: 5_000, chime: 0, link: 30_000 }
export const LOUDER_AFTER_MS = 15_000
export const MUTE_MS = 60_000

export interface Ears {
  /** Alarms somebody has touched: their siren is over. */
  touched: ReadonlySet<string>
  mutedUntil: number
  linkBroken: boolean
}

/** The sounds that go on until somebody acts; muting never silences level 1. */
export function lasting(alarms: Iterable<Alarm>, ears: Ears, now: number): Tone[] {
  const calling = [...alarms].filter((each) => isWaiting(each, now) && !each.drill && !ears.touched.has(each.id))
  const muted = now < ears.mutedUntil
  const first = calling.filter((each) => each.level === 1)
  const tones: Tone[] = []
  if (first.length) tones.push(first.some((each) => now - Date.parse(each.raised_at) >= LOUDER_AFTER_MS) ? 'siren_loud' : 'siren')
  else if (!muted && calling.some((each) => each.level === 2)) tones.push('beeps')
  if (ears.linkBroken && !muted) tones.push('link')
  return tones
}

/** What a new alarm sounds like once: level 3 and drills chime; in a flood a group that sounded already is quiet. */
export function once(alarm: Alarm, muted: boolean, sounded: ReadonlySet<string>, storm: boolean): Tone | null {
  if (muted || (storm && sounded.has(alarm.storm_key ?? alarm.id))) return null
  return alarm.level === 3 || (alarm.drill && alarm.level <= 3) ? 'chime' : null
}

/** Plays each lasting tone again when its time has come. */
export class Metronome {
  private readonly next = new Map<Tone, number>()

  due(wanted: readonly Tone[], now: number): Tone[] {
    for (const tone of this.next.keys()) if (!wanted.includes(tone)) this.next.delete(tone)
    const ready = wanted.filter((tone) => now >= (this.next.get(tone) ?? 0))
    for (const tone of ready) this.next.set(tone, now + EVERY_MS[tone])
    return ready
  }
}
