/** Times on the glass: 24 h with seconds in local time, dates 2026-11-22, durations in words. */
import { say } from '@/locales'

const two = (value: number) => String(value).padStart(2, '0')
const valid = (iso: string | number | null | undefined): Date | null => {
  if (iso === null || iso === undefined || iso === '') return null
  const at = new Date(iso)
  return Number.isNaN(at.getTime()) ? null : at
}

export function dateText(iso: string | number | null | undefined): string {
  const at = valid(iso)
  return at ? `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}` : ''
}
export function clockText(iso: string | number | null | undefined, withMs = false): string {
  const at = valid(iso)
  return at ? `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}${withMs ? `.${String(at.getMilliseconds()).padStart(3, '0')}` : ''}` : ''
}
export const timeText = (iso: string | number | null | undefined, withMs = false): string => `${dateText(iso)} ${clockText(iso, withMs)}`.trim()

/** A span in words, its two largest units: `3 分钟 5 秒`. */
export function spanText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  const parts = [['day', Math.floor(whole / 86_400)], ['hour', Math.floor(whole / 3600) % 24], ['minute', Math.floor(whole / 60) % 60], ['second', whole % 60]] as const
  const first = parts.findIndex(([, amount]) => amount > 0)
  if (first < 0) return say('span.second', { n: 0 })
  return parts.slice(first, first + 2).filter(([, amount]) => amount > 0).map(([unit, n]) => say(`span.${unit}`, { n })).join(' ')
}
export const agoText = (iso: string, now: number): string => say('span.ago', { span: spanText((now - Date.parse(iso)) / 1000) })
