import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { above, Arrivals, MOST_ROWS, REST_MS } from '@/components/arrivals'
import { pushed } from '@/views/events/facts'

beforeEach(() => { vi.useFakeTimers() })
afterEach(() => { vi.useRealTimers() })

function lab() {
  const shown: number[][] = [], told: number[] = [], place = { away: false }
  const list = { show: (fresh: readonly number[], missed: boolean) => shown.push([...fresh, ...(missed ? [-1] : [])]), waiting: (count: number) => told.push(count), away: () => place.away }
  return { arrivals: new Arrivals<number>(list, (then) => then(), () => Date.now()), shown, told, place }
}

test('newest stands on top, each once, and the oldest make room', () => {
  expect(above([3, 2, 1], [3, 4, 5, 5], (row) => row)).toEqual({ rows: [5, 4, 3, 2, 1], cut: false })
  expect(above([3, 2, 1], [4], (row) => row, 3)).toEqual({ rows: [4, 3, 2], cut: true })
})

test('what arrives is shown at once while nobody reads', () => {
  const { arrivals, shown } = lab()
  arrivals.take([1, 2])
  arrivals.take([3])
  expect(shown).toEqual([[1, 2], [3]])
})

test('what arrives between two frames is drawn together', () => {
  const shown: number[][] = [], frames: (() => void)[] = []
  const list = { show: (fresh: readonly number[]) => { shown.push([...fresh]) }, waiting: () => undefined, away: () => false }
  const arrivals = new Arrivals<number>(list, (then) => frames.push(then))
  arrivals.take([1])
  arrivals.take([2, 3])
  frames.splice(0).forEach((frame) => frame())
  arrivals.take([4])
  frames.splice(0).forEach((frame) => frame())
  expect(shown).toEqual([[1, 2, 3], [4]])
})

test('under a moving hand rows stay where they are, and come when it rests', () => {
  const { arrivals, shown, told } = lab()
  arrivals.touched()
  arrivals.take([1])
  arrivals.take([2])
  expect([shown, told]).toEqual([[], [1, 2]])
  vi.advanceTimersByTime(REST_MS + 20)
  expect(shown).toEqual([[1, 2]])
})

test('scrolled away, arrivals wait; more than a list holds are told as missed', () => {
  const { arrivals, shown, told, place } = lab()
  place.away = true
  arrivals.take(Array.from({ length: MOST_ROWS + 5 }, (_, index) => index))
  expect([shown.length, told.at(-1)]).toEqual([0, MOST_ROWS + 5])
  place.away = false
  arrivals.settle()
  expect([shown[0]?.[0], shown[0]?.at(-1), told.at(-1)]).toEqual([5, -1, 0])
})

test('a pushed event comes only where it fits the filters', () => {
  const body = { kind: 'arm', device_id: 'd1', place_path: '/510800/p1/', received_at: '2026-11-25T08:00:00Z' }
  const change = { kind: 'event', id: 'e', version: 1, operation: 'insert', body }
  expect(pushed(change, {})).toEqual(body)
  expect(pushed(change, { kind: 'arm', device: 'd1', place: 'p1', since: '2026-11-25T08:00:00Z' })).toEqual(body)
  for (const chosen of [{ kind: 'fire' }, { device: 'd2' }, { place: 'p' }, { since: '2026-11-25T08:00:01Z' }, { until: '2026-11-25T08:00:00Z' }] as Record<string, string>[])
    expect(pushed(change, chosen)).toBeNull()
  expect(pushed({ ...change, kind: 'alarm' }, {})).toBeNull()
})
