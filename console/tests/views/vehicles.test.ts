import { expect, test } from 'vitest'

import { told } from '@/alarms/pictures'
import { ordered, pictureUrl, thumbnailUrl } from '@/api/pictures'
import type { Change } from '@/api/types'
import type { Lane, Passage } from '@/api/vehicles'
import { ground, parted } from '@/components/plate'
import { vehiclesEn } from '@/locales/vehicles.en'
import { vehiclesZh } from '@/locales/vehicles.zh'
import { hourly } from '@/views/vehicles/hours'
import { seenBy } from '@/views/vehicles/lanes'
import { asked, judgement, merged, normal, plateQuery } from '@/views/vehicles/passage'

const passage = (id: string, at: string, more: Partial<Passage> = {}) => ({ id, received_at: `2026-11-22T08:${at}Z`, plate: '川H12345', version: 1, reading: {}, flags: [], pictures: [], ...more }) as unknown as Passage
const change = (id: string, at: string, more: Partial<Passage> = {}): Change => ({ kind: 'passage', id, version: more.version ?? 1, operation: 'put', body: passage(id, at, more) as unknown as Record<string, unknown> })

test.each([
  ['川H12345', '5', '02', 'blue'], ['川H12345', '6', '01', 'yellow'], ['川H1234警', '2', '23', 'white'], ['粤Z1234港', '1', '26', 'black'],
  ['川HD12345', '9', '52', 'green'], ['川HD12345', '', '', 'green'], ['川H12345D', '9', '51', 'large'], ['川H12345F', '9', '', 'large'], ['川H12345', '', '', 'plain'],
])('the plate %s of colour %s and class %s has the ground %s', (plate, color, plateClass, wanted) => {
  expect(ground(plate, color, plateClass)).toBe(wanted)
})

test('a dot stands after the letter of the place, and nowhere on plates that have none', () => {
  expect(parted('川HD12345')).toEqual({ from: '川H', serial: 'D12345' })
  expect(parted('WJ川1234H')).toEqual({ from: '', serial: 'WJ川1234H' })
  expect(parted('川H12-45')).toEqual({ from: '川H', serial: '12-45' })
})

test('a whole plate is looked up as it is, anything shorter is a fragment', () => {
  expect(plateQuery('川h·12345')).toEqual({ plate: '川H12345' })
  expect(plateQuery('川HD12345')).toEqual({ plate: '川HD12345' })
  expect(plateQuery('川H1234警')).toEqual({ plate: '川H1234警' })
  expect(plateQuery(' 123 ')).toEqual({ fragment: '123' })
  expect(plateQuery('')).toEqual({})
  expect(normal('川A．Ｄ1234 5')).toBe('川AD12345')
  expect(asked({ q: '川H1', color: '5' })).toEqual({ color: '5', fragment: '川H1' })
})

test('a person who agrees confirms, one who does not corrects', () => {
  expect(judgement(passage('a', '00:00'))).toBeNull()
  expect(judgement(passage('a', '00:00', { reading: { plate: '川H12345' } }))).toBe('confirmed')
  expect(judgement(passage('a', '00:00', { reading: { plate: '川H1234S' } }))).toBe('corrected')
  expect(judgement(passage('a', '00:00', { reading: { plate: null } }))).toBe('corrected')
})

test('the strip holds the newest, each once, its newest version, and never grows', () => {
  const shown = [passage('b', '00:02'), passage('a', '00:01')]
  const after = merged(shown, [change('c', '00:03'), change('a', '00:01', { version: 2, plate: '川H99999' }), change('b', '00:02', { version: 0, plate: 'old' })], 3)
  expect(after.map((each) => [each.id, each.plate])).toEqual([['c', '川H12345'], ['b', '川H12345'], ['a', '川H99999']])
  expect(merged(after, [change('d', '00:04')], 3).map((each) => each.id)).toEqual(['d', 'c', 'b'])
})

test('a vehicle that is waited for is marked by its event', () => {
  const event: Change = { kind: 'event', id: 'e', version: 1, operation: 'put', body: { kind: 'watch_list', detail: { passage_id: 'a' } } }
  expect(merged([passage('a', '00:01'), passage('b', '00:00')], [event], 3).map((each) => each.watched)).toEqual([true, undefined])
})

test('a lane shows the last vehicle it saw, others stay as they are', () => {
  const lane = (device_id: string) => ({ device_id, last: null }) as unknown as Lane
  const lanes = [lane('d1'), lane('d2')]
  const after = seenBy(lanes, [change('b', '00:02', { device_id: 'd1' }), change('a', '00:01', { device_id: 'd1' })])
  expect([after[0]!.last?.id, after[1]]).toEqual(['b', lanes[1]])
})

test('hours where nothing passed have a column too, and what lies outside has none', () => {
  const since = Date.parse('2026-11-22T08:30:00Z'), until = Date.parse('2026-11-22T11:00:00Z')
  const found = hourly([{ at: '2026-11-22T08:00:00Z', direction: 'in', count: 2 }, { at: '2026-11-22T10:00:00Z', direction: 'out', count: 3 }, { at: '2026-11-22T12:00:00Z', direction: 'in', count: 9 }], since, until)
  expect(found.at.length).toBe(3)
  expect(found.stacks.map((each) => each.counts)).toEqual([[2, 0, 0], [0, 0, 3], [0, 0, 0]])
})

test('the whole vehicle is shown before its plate, and pictures open by ticket', () => {
  expect(ordered([{ type: '02' }, { type: 'x' }, { type: '01' }]).map((each) => each.type)).toEqual(['01', '02', 'x'])
  expect(pictureUrl({ blob_id: 'b1', ticket: 't-_' })).toBe('/api/pictures/b1?ticket=t-_')
  expect(thumbnailUrl({ blob_id: 'b1', ticket: 't' })).toBe('/api/pictures/b1?ticket=t&thumbnail=true')
})

test('both languages have the same codes', () => {
  for (const table of ['colour', 'plate_classes', 'vehicle_classes', 'brands', 'picture_types', 'flag', 'resident'] as const) expect(Object.keys(vehiclesEn[table])).toEqual(Object.keys(vehiclesZh[table]))
})

test('an alarm tells its pictures, the whole vehicle first, and the plate somebody waits for', () => {
  const event = { detail: { plate: '川H12345', reason: '多次逃费', passage_id: 'p1', pictures: [{ type: '02', blob_id: 'b' }, { type: '01', blob_id: 'a' }] } }
  const found = told({ id: 'a1', event })
  expect([found.plate, found.reason, found.passage, found.pictures.map((each) => each.blob_id)]).toEqual(['川H12345', '多次逃费', 'p1', ['a', 'b']])
  expect(told({ id: 'a2' })).toEqual({ plate: '', kind: '', reason: '', direction: '', passage: '', pictures: [] })
})
