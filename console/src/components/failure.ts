/** An error in words: what happened, why, what to do, and its code. */
import { ApiError } from '@/api/client'
import { i18n, say, type Key } from '@/locales'

export interface Failure { title: string; why: string; what: string; code: string; denied: boolean }
type Kind = 'unreachable' | 'away' | 'denied' | 'absent' | 'conflict' | 'invalid' | 'too_many' | 'unexpected'

const BY_STATUS: Record<number, Kind> = {
  0: 'unreachable', 503: 'away', 403: 'denied', 404: 'absent', 409: 'conflict', 400: 'invalid', 422: 'invalid', 423: 'conflict', 429: 'too_many',
}

/** Words of this very refusal where there are some, in the language of the page; else what the server said. */
function ownWords(error: ApiError): string {
  for (const key of [`refusal.${error.code}`, `pages.refusal.${error.code}`])
    if (i18n.global.te(key, 'zh')) return i18n.global.t(key, error.more as Record<string, unknown>)
  return ''
}

export function explain(error: unknown): Failure {
  if (!(error instanceof ApiError)) return { ...words('unexpected'), code: error instanceof Error ? error.message : String(error), denied: false }
  const kind = BY_STATUS[error.status] ?? 'unexpected'
  const plain = words(kind)
  const told = ownWords(error) || (kind === 'invalid' || kind === 'conflict' ? error.message : '')
  return { ...plain, why: told || plain.why, code: error.status ? `${error.code} (${error.status})` : error.code, denied: kind === 'denied' }
}

function words(kind: Kind): { title: string; why: string; what: string } {
  const part = (end: '' | '_why' | '_do') => say(`failure.${kind}${end}` as Key)
  return { title: part(''), why: part('_why'), what: part('_do') }
}
