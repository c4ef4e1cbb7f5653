import { expect, test } from 'vitest'

import type { Timeline } from '@/api/video'
import { Step, type Standing, type Track } from '@/video/step'
import { DAY, drawn, gapAt, HOUR, MINUTE, recordedAfter, ruler, segmentAt, toAt, toX, zoomed } from '@/video/timeline'

const T0 = Date.parse('2026-11-22T08:00:00Z')
const iso = (at: number) => new Date(at).toISOString()

test('a moment keeps its place while one zooms around it', () => {
  const view = { since: T0, span: DAY }, at = toAt(view, 300, 1200)
  const near = zoomed(view, 0.25, at)
  expect(near.span).toBe(DAY / 4)
  expect(toX(near, at, 1200)).toBeCloseTo(300)
  expect(zoomed(view, 1e-9, at).span).toBe(MINUTE)
})

test('the ruler has whole times, apart enough to be read', () => {
  const marks = ruler({ since: T0 + 1234, span: HOUR }, 1200)
  expect(marks.every((each) => each.at % (5 * MINUTE) === 0)).toBe(true)
  expect(marks.length).toBe(12)
})

test('a span outside is not drawn, one that is cut is drawn cut, a short one stays visible', () => {
  const view = { since: T0, span: HOUR }
  expect(drawn(view, { from: T0 - HOUR, to: T0 - 1 }, 600)).toBeNull()
  expect(drawn(view, { from: T0 - HOUR, to: T0 + HOUR / 2 }, 600)).toEqual({ x: 0, width: 300 })
  expect(drawn(view, { from: T0 + HOUR / 2, to: T0 + HOUR / 2 + 10 }, 600)?.width).toBe(1)
})

test('what stands at a moment is found, and when recording goes on', () => {
  const of: Timeline = { segments: [{ start: iso(T0), end: iso(T0 + HOUR), source: 'platform' }, { start: iso(T0 + 2 * HOUR), end: iso(T0 + 3 * HOUR), source: 'device' }], gaps: [{ start: iso(T0 + HOUR), end: iso(T0 + 2 * HOUR), class: 'device_offline' }], alarms: [], locks: [] }
  expect(segmentAt(of, T0 + 1)?.source).toBe('platform')
  expect(segmentAt(of, T0 + HOUR)).toBeNull()
  expect(gapAt(of, T0 + HOUR)?.class).toBe('device_offline')
  expect(recordedAfter(of, T0 + HOUR)).toBe(T0 + 2 * HOUR)
  expect(recordedAfter(of, T0 + 4 * HOUR)).toBeNull()
})

/** A picture that holds what was recorded from `from` to `to`, shown from media second 0 on. */
class Held implements Track {
  place = 0
  rate = 0
  fetched: number[] = []
  as: Standing | null = null
  constructor(public from: number, public to: number, private readonly until = Infinity, private readonly ends = false) {}
  mediaAt(wall: number): number | null { return this.from <= wall && wall <= this.to ? (wall - this.from) / 1000 : null }
  recorded(wall: number): boolean { return wall < this.until }
  over(): boolean { return this.ends }
  at(): number { return this.place }
  seek(media: number): void { this.place = media }
  run(rate: number): void { this.rate = rate }
  rest(): void { this.rate = 0 }
  fetch(wall: number): void { this.fetched.push(wall) }
  stands(as: Standing): void { this.as = as }
}

test('pictures are held to one clock: far off they jump, a little off they change their pace', () => {
  const near = new Held(T0, T0 + 60_000), far = new Held(T0, T0 + 60_000)
  const step = new Step(T0, () => [near, far])
  near.place = 0.4
  far.place = 20
  step.play(0)
  step.tick(200, Infinity)
  expect(step.wall).toBe(T0 + 200)
  expect(far.place).toBeCloseTo(0.2)
  expect(near.rate).toBeCloseTo(0.9)
  step.speed = 4
  step.tick(400, Infinity)
  expect(step.wall).toBe(T0 + 1000)
})

test('who has nothing yet is waited for, who has nothing recorded is not', () => {
  const ready = new Held(T0, T0 + 60_000), late = new Held(T0 + 999_000, T0 + 999_000), empty = new Held(T0 + 999_000, T0 + 999_000, T0 - 1)
  const step = new Step(T0, () => [ready, late, empty])
  step.play(0)
  step.tick(200, Infinity)
  expect([step.wall, ready.rate, late.as, empty.as]).toEqual([T0, 0, 'waiting', 'gap'])
  late.from = T0
  step.tick(400, Infinity)
  expect([step.wall, late.as]).toEqual([T0 + 200, 'shown'])
})

test('patience ends: one picture that never comes does not stop the others', () => {
  const ready = new Held(T0, T0 + 60_000), never = new Held(T0 + 999_000, T0 + 999_000)
  const step = new Step(T0, () => [ready, never])
  step.play(0)
  step.tick(200, Infinity)
  step.tick(6_400, Infinity)
  expect(step.wall).toBeGreaterThan(T0)
  expect(ready.as).toBe('shown')
})

test('a seek shows what is there and fetches what is not; the clock never runs past the present', () => {
  const has = new Held(T0, T0 + 60_000), hasNot = new Held(T0 + 999_000, T0 + 999_000, Infinity, true)
  const step = new Step(T0, () => [has, hasNot])
  step.seek(T0 + 30_000)
  expect([has.place, hasNot.fetched, has.fetched]).toEqual([30, [T0 + 30_000], []])
  step.play(0)
  step.tick(90_000, T0 + 40_000)
  expect(step.wall).toBe(T0 + 40_000)
})
