import type { Difference, Plan, Problem, Tally } from '@/api/site_files'
import type { Key, Values } from '@/locales'

export const WHATS = ['add', 'change', 'retire'] as const

/** The sections in which anything happens. */
export function sums(counts: Plan['counts']): (Tally & { section: string })[] {
  return Object.entries(counts).map(([section, tally]) => ({ section, ...tally })).filter((each) => WHATS.some((what) => each[what]))
}

/** Where something stands in the file it came from: a line, or sheet, row and column. */
export function placeOf(of: Problem | Difference, t: (key: Key, values?: Values) => string, section: (name: string) => string): string {
  if (of.row) {
    const column = 'column' in of && of.column ? ` ${of.column} ${of.heading ?? ''}` : ''
    return `${t('records.plan.row', { sheet: section(of.sheet ?? ''), n: of.row })}${column}`
  }
  return of.line ? t('records.plan.line', { n: of.line }) : ''
}

/** A value as a person reads it. */
export function fieldText(value: unknown): string {
  if (value === null || value === undefined || value === '') return '—'
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** What a message puts in quotes. */
export const quoted = (message: string): string => /'(.*?)'/.exec(message)?.[1] ?? ''

/** Whether a site file has values that a passphrase sealed. */
export const isSealed = (text: string): boolean => /^\[sealing\]$/m.test(text)
