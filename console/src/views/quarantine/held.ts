import type { Held } from '@/api/quarantine'
import { word } from '@/locales'

/** What a held record says, on one line. */
export function gist(held: Held): string {
  const report = held.value.report
  if (!report) return JSON.stringify(held.value)
  const zone = [report.area, report.zone].filter(Boolean).join('/')
  return [report.protocol, report.account, word('pages.event_kind', report.kind), report.code, zone].filter(Boolean).join(' · ')
}

/** How many of a run ended how, as the server counted; empty where it counted nothing. */
export function tally(found: Record<string, unknown> | null): string {
  const counted = Object.entries(found ?? {}).filter((pair): pair is [string, number] => typeof pair[1] === 'number')
  return counted.map(([name, count]) => `${word('pages.quarantine.outcomes', name)} ${count}`).join(' · ')
}
