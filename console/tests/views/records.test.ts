import { beforeEach, expect, test } from 'vitest'

import type { FiledEvent } from '@/api/events'
import { speak } from '@/locales'
import { hidden, offsetText, plain, zoneText } from '@/views/events/facts'
import { blankAction, bodyOf, complete, requestOf, sentence } from '@/views/linkage/rule'
import { gist, stranger } from '@/views/quarantine/held'
import { frequent } from '@/views/statistics/chart'
import { byIn, rangeIn, spanOf } from '@/views/statistics/ranges'

const NAMES = { place: (id: string) => ({ p1: '西围墙' })[id] ?? id, device: (id: string) => ({ d1: '周界主机', d2: '照明' })[id] ?? id }
const rule = () => bodyOf({
  when: { kinds: ['intrusion', 'panic'], level: 2, place_id: 'p1', device_id: 'd1', zones: ['01/001'] },
  only_if: { from: '19:00', to: '06:30', armed: true }, then: [{ do: 'output', target: 'd2', output: '2', on: true, valid_s: 10 }],
})
beforeEach(() => speak('zh'))

test('a rule says all that it does in one sentence, in both languages', () => {
  expect(sentence(rule(), NAMES)).toBe('当 西围墙 发生 入侵或紧急按钮,由 周界主机 上报,在防区 01/001,级别不低于紧急,在 19:00–06:30 之间,该区已布防,就 接通 照明 输出 2(10 秒内有效)。')
  speak('en')
  expect(sentence(rule(), NAMES)).toBe('When Intrusion or Panic button happens at 西围墙, told by 周界主机, in zones 01/001, at level Urgent or worse, between 19:00 and 06:30, while the area is armed, then switch on 照明 output 2 (valid for 10 s).')
})

test('a rule without conditions speaks of any alarm anywhere, and an action nobody knows is shown as it is', () => {
  expect(sentence({ then: [{ ...blankAction(), do: 'sing', target: 'd9', valid_s: 5 }] }, NAMES)).toBe('当 任何地点 发生 任何报警,就 sing d9(5 秒内有效)。')
})

test('half a time of day is no condition, and zones belong to a device', () => {
  const body = rule()
  body.only_if.to = ''
  body.when.device_id = ''
  const sent = requestOf(body)
  expect([sent.only_if.from, sent.only_if.to, sent.when.zones]).toEqual(['', '', []])
  expect(requestOf({ ...body, then: [{ ...blankAction(), do: 'arm', target: 'd1' }] }).then[0]?.output).toBe('')
})

test('a rule is complete once every action has its target and its time', () => {
  expect(complete(rule())).toBe(true)
  expect(complete(bodyOf())).toBe(false)
  expect(complete({ ...rule(), then: [] })).toBe(false)
})

test('a held report and a held row of a node below are told apart', () => {
  expect(gist({ protocol: 'dc09', account: '0/1234', kind: 'intrusion', code: '130', area: '01', zone: '007' })).toBe('dc09 · 0/1234 · 入侵 · 130 · 01/007')
  expect(gist({ kind: 'device', object_id: 'd1', version: 2 })).toBe('设备 · d1')
  expect(gist({ error: 'cannot be read' })).toBe('cannot be read')
})

test('a clock within a second is right, beyond it fast or slow in words', () => {
  expect([offsetText(null), offsetText(900), offsetText(-3000), offsetText(61_000)]).toEqual(['', '准', '慢 3 秒', '快 1 分钟 1 秒'])
})

test('an event without a zone shows none; what the server hid is noticed', () => {
  expect([zoneText({ zone: '/', zone_name: '' }), zoneText({ zone: '01/002', zone_name: '西墙' })]).toEqual(['', '西墙 · 01/002'])
  expect(hidden({ detail: { user: '•••' } } as unknown as FiledEvent)).toBe(true)
  expect(hidden({ detail: { qualifier: 'E' } } as unknown as FiledEvent)).toBe(false)
  expect([plain(['a']), plain(3), plain(null)]).toEqual(['["a"]', '3', ''])
})

test('a statistic covers whole hours or days, the running one last', () => {
  const now = new Date(2026, 10, 25, 13, 20).getTime()
  expect(spanOf('24h', 'hour', now).since).toEqual(new Date(2026, 10, 24, 14))
  expect(spanOf('7d', 'day', now).since).toEqual(new Date(2026, 10, 19))
  expect([rangeIn('1y'), byIn(undefined, '24h'), byIn(undefined, '30d'), byIn('hour', '30d')]).toEqual(['24h', 'hour', 'day', 'hour'])
})

test('kinds come from the most frequent to the rarest', () => {
  expect(frequent([{ at: '', kind: 'fire', count: 1 }, { at: '', kind: 'tamper', count: 2 }, { at: '', kind: 'fire', count: 3 }])).toEqual(['fire', 'tamper'])
})

test('what a capture device saw says so, and leads to the form that registers it', () => {
  const seen = { protocol: 'viid', kind: 'motor_vehicle', device: '51080200011210000001', pictures: 2 }
  expect(gist(seen)).toBe('GA/T 1400 · 机动车 · 51080200011210000001 · 图片 2 张')
  expect(stranger('unknown_device', seen)).toEqual({ protocol: 'viid', account: '51080200011210000001' })
  expect(stranger('unknown_account', { protocol: 'dc09', account: '0/1234' })).toEqual({ protocol: 'dc09', account: '0/1234' })
  expect(stranger('malformed', seen)).toBeNull()
})
