import { spanText } from '@/components/time'
import { say } from '@/locales'

/** How far a clock runs from ours, in words: `慢 3.1 秒`. */
export function offsetText(ms: number): string {
  const away = Math.abs(ms)
  if (away < 100) return say('pages.devices.clock_exact')
  const span = away < 10_000 ? `${(away / 1000).toFixed(1)} ${say('pages.devices.clock_seconds')}` : spanText(away / 1000)
  return say(ms > 0 ? 'pages.devices.clock_ahead' : 'pages.devices.clock_behind', { span })
}
