import { say, word } from '@/locales'

/** Words for a refused step: one the server refused at once, or one the tier below refused or never answered. */
export function refusalOf(error: unknown, explain: (error: unknown) => { why: string; code: string }): string {
  const below = error as { state?: string; outcome?: string; action?: string }
  if (below.state === 'refused') return say('refusal.sent_refused', { step: word('step', below.action), outcome: word('refusal', below.outcome) })
  if (below.state === 'unknown') return say('refusal.sent_unknown', { step: word('step', below.action) })
  const { why, code } = explain(error)
  return `${why} [${code}]`
}
