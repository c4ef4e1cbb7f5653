import { expect, test } from 'vitest'

import { age, applyChanges, inOrder, isStorm, mergeAlarm } from '@/alarms/list'
import { AlarmKeys, BOUND_MS, type Press } from '@/alarms/keys'
import type { Alarm, AlarmStep } from '@/api/types'

const alarm = (id: string, over: Partial<Alarm> = {}): Alarm => ({
  id, raised_at: '2026-11-22T08:15:30Z', site_id: 's', place_id: 'p', place_path: '/s/p/', place_name: '3栋', device_id: 'd',
  device_name: '主机', zone: '001', kind: 'intrusion', level: 2, state: 'new', returned: false, ended_by: null, active: true,
  shelved_until: null, bypassed: false, drill: false, owner: null, joined: [], finding: null, note: '', count: 1,
  last_at: '2026-11-22T08:15:30Z', acknowledged_at: null, closed_at: null, undo_until: null, review: null, escalation: 0,
  storm_key: null, home_node: 'n', version: 1, flags: [], ...over,
})
const press = (key: string, over: Partial<Press> = {}): Press => ({ key, repeat: false, ctrlKey: false, altKey: false, metaKey: false, target: document.body, ...over })

test('an older version never overwrites a newer one', () => {
  const known = new Map([['a', alarm('a', { version: 3, state: 'acknowledged' })]])
  expect(mergeAlarm(known, alarm('a', { version: 2 }))).toBe(false)
  expect(known.get('a')?.state).toBe('acknowledged')
})

test('the same changes twice raise an alarm once and keep its steps once', () => {
  const known = new Map<string, Alarm>(), steps = new Map<string, AlarmStep[]>()
  const step = { id: 'x', alarm_id: 'a', at: '2026-11-22T08:15:31Z', version: 2, action: 'acknowledge', by: null }
  const changes = [
    { kind: 'alarm', id: 'a', version: 1, operation: 'insert', body: { ...alarm('a') } },
    { kind: 'alarm_step', id: 'x', version: 2, operation: 'insert', body: step },
  ]
  expect(applyChanges(known, steps, changes)).toHaveLength(1)
  expect(applyChanges(known, steps, changes)).toHaveLength(0)
  expect(steps.get('a')).toHaveLength(1)
})

test('the name of the community is kept whichever of push and load came first', () => {
  const known = new Map<string, Alarm>()
  mergeAlarm(known, alarm('a'))
  mergeAlarm(known, alarm('a', { site_name: '锦绣家园' }))
  mergeAlarm(known, alarm('a', { version: 2 }))
  expect(known.get('a')).toMatchObject({ version: 2, site_name: '锦绣家园' })
})

test('the saved alarm takes the place of the unsaved one', () => {
  const known = new Map<string, Alarm>()
  mergeAlarm(known, alarm('tmp', { unsaved: true, version: 0 }))
  mergeAlarm(known, alarm('real'))
  expect([...known.keys()]).toEqual(['real'])
})

test('order is level, then unacknowledged, then newest', () => {
  const order = inOrder([
    alarm('old'), alarm('seen', { state: 'acknowledged', raised_at: '2026-11-22T09:00:00Z' }),
    alarm('fire', { level: 1, raised_at: '2026-11-22T07:00:00Z' }), alarm('young', { raised_at: '2026-11-22T08:30:00Z' }),
  ])
  expect(order.map((each) => each.id)).toEqual(['fire', 'young', 'old', 'seen'])
})

test('eleven new alarms in ten minutes are a storm, ten are not', () => {
  const now = Date.parse('2026-11-22T08:16:00Z'), many = Array.from({ length: 11 }, (_, index) => alarm(String(index)))
  expect(isStorm(many, now)).toBe(true)
  expect(isStorm(many.slice(1), now)).toBe(false)
  expect(age('2026-11-22T08:15:30Z', now)).toBe('00:30')
})

test('keys stay with the alarm of the first key-down when another one pops up', () => {
  const done: string[] = []
  let shown = 'first'
  const keys = new AlarmKeys({
    shown: () => shown, acknowledge: (id) => done.push(`ack ${id}`), finding: (id, digit) => done.push(`${digit} ${id}`),
    close: (id) => done.push(`close ${id}`), walk: () => undefined, escape: () => undefined, undo: () => undefined,
  })
  keys.press(press(' '))
  shown = 'second'
  keys.press(press('1'))
  keys.press(press('1', { repeat: true }))
  keys.press(press('Enter'))
  keys.press(press(' '))
  expect(done).toEqual(['ack first', '1 first', 'close first', 'ack second'])
})

test('a hand that left the keys long ago means the alarm it comes back to', () => {
  const done: string[] = []
  let shown = 'first', now = 100_000
  const keys = new AlarmKeys({
    shown: () => shown, acknowledge: (id) => done.push(`ack ${id}`), finding: () => undefined, close: () => undefined,
    walk: () => undefined, escape: () => undefined, undo: () => undefined,
  }, () => now)
  keys.press(press(' '))
  shown = 'second'
  now += BOUND_MS + 1
  keys.press(press(' '))
  expect(done).toEqual(['ack first', 'ack second'])
})

test('a button reached by the keyboard keeps Space and Enter', () => {
  const button = document.createElement('button'), done: string[] = []
  const keys = new AlarmKeys({
    shown: () => 'a', acknowledge: () => done.push('ack'), finding: () => done.push('finding'), close: () => done.push('close'),
    walk: () => undefined, escape: () => undefined, undo: () => undefined,
  })
  for (const key of [' ', 'Enter', '1']) keys.press(press(key, { target: button }))
  expect(done).toEqual(['finding'])
})

test('keys never fire while typing', () => {
  const done: string[] = [], input = document.createElement('input')
  const keys = new AlarmKeys({
    shown: () => 'a', acknowledge: () => done.push('ack'), finding: () => done.push('finding'), close: () => done.push('close'),
    walk: () => done.push('walk'), escape: () => done.push('escape'), undo: () => done.push('undo'),
  })
  for (const key of [' ', '1', 'Enter', ']']) expect(keys.press(press(key, { target: input }))).toBe(false)
  expect(done).toEqual([])
})
