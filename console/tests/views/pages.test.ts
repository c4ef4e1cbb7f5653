import { beforeEach, expect, test } from 'vitest'

import { nest } from '@/api/places'
import { fromBase64, fromHex, hexdump } from '@/views/events/hexdump'
import { forget, grouped, path, sample } from '@/views/links/samples'
import { codeLength, kindsUnder } from '@/views/places/kinds'
import { allowed, subjects, toggled } from '@/views/roles/matrix'
import { behind, stacked } from '@/views/statistics/series'

beforeEach(forget)

test('places hang under their parents; who cannot see the parent sees the child as a root', () => {
  const place = (id: string, parent_id: string | null) => ({ id, parent_id, kind: 'building', name: id })
  const roots = nest([place('a', null), place('b', 'a'), place('c', 'hidden')])
  expect(roots.map((each) => each.id)).toEqual(['a', 'c'])
  expect(roots[0]?.children?.map((each) => each.id)).toEqual(['b'])
})

test('a room stands in a unit and nothing stands in a room', () => {
  expect(kindsUnder('unit')).toContain('room')
  expect(kindsUnder('room')).toEqual([])
  expect(kindsUnder(null)).toEqual(['city'])
  expect([codeLength('street'), codeLength('building')]).toEqual([9, 0])
})

test('bytes are shown sixteen a row with what can be read of them', () => {
  expect(hexdump(fromHex('0a 41 42'))).toBe('0000  0a 41 42                                         .AB')
  expect(hexdump(fromBase64('QUI='))).toContain('AB')
  expect(hexdump(new Uint8Array(17)).split('\n')).toHaveLength(2)
})

test('hours without alarms are columns too', () => {
  const since = new Date('2026-11-25T00:00:00Z'), until = new Date('2026-11-25T03:00:00Z')
  const found = stacked([{ at: '2026-11-25T02:10:00Z', level: 2, count: 4 }, { at: '2026-11-25T02:40:00Z', level: 1, count: 1 }], 'level', 'hour', since, until, ['1', '2'])
  expect(found.at).toHaveLength(3)
  expect(found.stacks).toEqual([{ key: '1', counts: [0, 0, 1] }, { key: '2', counts: [0, 0, 4] }])
  expect(found.total).toBe(5)
})

test('what lies outside the range is not counted', () => {
  const day = new Date('2026-11-25T00:00:00Z')
  expect(stacked([{ at: '2026-11-20T00:00:00Z', count: 9 }], 'kind', 'hour', day, new Date(day.getTime() + 1)).total).toBe(0)
})

test('a bar opens the rows of its hour', () => {
  expect(behind('2026-11-25T02:00:00.000Z', 'hour')).toEqual({ since: '2026-11-25T02:00:00.000Z', until: '2026-11-25T03:00:00.000Z' })
})

test('a role holds only actions of its class', () => {
  const action = { action: 'users.write', zh: '', en: '', classes: ['system' as const] }
  expect(allowed({ class: 'system' }, action)).toBe(true)
  expect(allowed({ class: 'audit' }, action)).toBe(false)
  expect(subjects([action]).map((each) => each.subject)).toEqual(['users'])
  expect(toggled(toggled(['b'], 'a'), 'b')).toEqual(['a'])
})

test('the same moment is one sample', () => {
  sample('n', { at: 1, delay: 0.2, backlog: 0 })
  sample('n', { at: 1, delay: 0.2, backlog: 0 })
  expect(sample('n', { at: 2, delay: null, backlog: 5 })).toHaveLength(2)
})

test('a line has a hole where nothing was known', () => {
  expect(path([0, null, 10], 100, 20, 10)).toBe('M0.0 20.0M100.0 0.0')
  expect(grouped('ab12:cd34')).toBe('ab12 cd34')
})
