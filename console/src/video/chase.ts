/** Staying close to what is live, and keeping no more than is wanted. Pure: figures in, one decision out. */
export const KEPT_S = 35, JUMP_S = 1, EASE_S = 0.2, EASED_S = 0.14, FAST = 1.1
/** With less than THIN_S ahead, pictures that come a little late are dropped: it walks slower until AMPLE_S are there. */
const THIN_S = 0.09, AMPLE_S = 0.13, SLOW = 0.95
/** The part that is left when one jumps: less would run dry at once. */
export const LEAD_S = 0.13

export type Move = { jump: number } | { rate: number } | null

/** What a live picture does that plays at `at` while `end` has come, now running at `rate`. */
export function chase(at: number, end: number, rate: number): Move {
  const behind = end - at
  if (behind > JUMP_S) return { jump: Math.max(0, end - LEAD_S) }
  if (behind > EASE_S) return rate === FAST ? null : { rate: FAST }
  if (behind < THIN_S) return rate === SLOW ? null : { rate: SLOW }
  if ((rate > 1 && behind < EASED_S) || (rate < 1 && behind > AMPLE_S)) return { rate: 1 }
  return null
}

/** Up to where the buffer is dropped; null while that is not worth it. */
export function stale(start: number, at: number, keep: number): number | null {
  const until = at - keep
  return until - start > 5 ? until : null
}

/** How long to wait before trying the `attempt`th time (from 0), in ms; `luck` of 0..1 spreads many panes. */
export function backOff(attempt: number, luck: number): number {
  return Math.min(500 * 2 ** Math.min(attempt, 5), 10_000) * (0.75 + luck / 2)
}
