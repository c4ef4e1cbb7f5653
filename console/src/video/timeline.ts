/** The time line of recordings: what is in view, where a moment lies, what stands at a moment. Pure; unix ms throughout. */
import type { Gap, Segment, Timeline } from '@/api/video'

export interface View { since: number; span: number }
export const SECOND = 1_000, MINUTE = 60_000, HOUR = 3_600_000, DAY = 86_400_000
export const ZOOMS = [DAY, HOUR, 10 * MINUTE] as const
const LEAST = MINUTE, MOST = 7 * DAY
const STEPS = [SECOND, 5 * SECOND, 10 * SECOND, 30 * SECOND, MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY]

export const toX = (view: View, at: number, width: number): number => ((at - view.since) / view.span) * width
export const toAt = (view: View, x: number, width: number): number => view.since + (x / width) * view.span

/** Another span around a moment, which stays where it is on the glass. */
export function zoomed(view: View, factor: number, at: number): View {
  const span = Math.min(MOST, Math.max(LEAST, view.span * factor))
  return { since: at - ((at - view.since) / view.span) * span, span }
}
export const centred = (at: number, span: number): View => ({ since: at - span / 2, span })

/** Marks of the ruler, at whole local times, at least `least` px apart. */
export function ruler(view: View, width: number, least = 76): { at: number; x: number; day: boolean }[] {
  const step = STEPS.find((each) => (each / view.span) * width >= least) ?? DAY
  const shift = new Date(view.since).getTimezoneOffset() * MINUTE
  const found: { at: number; x: number; day: boolean }[] = []
  for (let at = Math.ceil((view.since - shift) / step) * step + shift; at < view.since + view.span; at += step)
    found.push({ at, x: toX(view, at, width), day: (at - shift) % DAY === 0 })
  return found
}

export interface Span { from: number; to: number }
export const spanOf = (each: { start: string; end: string }): Span => ({ from: Date.parse(each.start), to: Date.parse(each.end) })
/** What of a span is in view, at least a pixel wide so that short ones are not lost. */
export function drawn(view: View, { from, to }: Span, width: number): { x: number; width: number } | null {
  if (to < view.since || from > view.since + view.span) return null
  const left = Math.max(0, toX(view, from, width)), right = Math.min(width, toX(view, to, width))
  return { x: left, width: Math.max(1, right - left) }
}

const holds = (each: { start: string; end: string }, at: number) => Date.parse(each.start) <= at && at < Date.parse(each.end)
export const segmentAt = (of: Timeline | null, at: number): Segment | null => of?.segments.find((each) => holds(each, at)) ?? null
export const gapAt = (of: Timeline | null, at: number): Gap | null => of?.gaps.find((each) => holds(each, at)) ?? null
/** When something is recorded again after `at`; null where nothing more is known. */
export function recordedAfter(of: Timeline | null, at: number): number | null {
  const later = (of?.segments ?? []).map((each) => Date.parse(each.start)).filter((each) => each > at)
  return later.length ? Math.min(...later) : null
}

/** Midnight before `at`, by the clock on the wall here. */
export function midnight(at: number): number {
  const day = new Date(at)
  day.setHours(0, 0, 0, 0)
  return day.getTime()
}
