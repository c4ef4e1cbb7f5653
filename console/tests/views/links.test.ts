import { expect, test } from 'vitest'

import type { Ranked } from '@/api/links'
import type { Alarm } from '@/api/types'
import { daySums, difference, fates, girth, lastDay, lowerStanding, reasonKey, secondsLeft, upperStanding } from '@/views/links/standing'
import { communities, openBySite } from '@/views/map/communities'
import { ageHeat, delayText, delivery, inTrouble, onlineHeat, ranked } from '@/views/ranking/order'

const NOW = Date.parse('2026-11-25T12:00:00Z')
const ago = (seconds: number) => new Date(NOW - seconds * 1000).toISOString()
const of = (site_id: string, change: Partial<Ranked> = {}): Ranked => ({
  site_id, name: site_id, node: `n-${site_id}`, open_level_1: 0, open: 0, delay_s: 0, online: 10, total: 10, online_rate: 1, state: 'approved', last_seen_at: ago(2), ...change,
})
const standing = (each: Ranked) => delivery(each, 'n-here', NOW)

test('a node below is silent after four missed signs of life and late while rows wait', () => {
  expect(lowerStanding({ state: 'approved', last_seen_at: ago(19), delay_s: 1 }, NOW)).toBe('live')
  expect(lowerStanding({ state: 'approved', last_seen_at: ago(21), delay_s: 1 }, NOW)).toBe('silent')
  expect(lowerStanding({ state: 'approved', last_seen_at: ago(1), delay_s: 31 }, NOW)).toBe('late')
  expect(lowerStanding({ state: 'approved', last_seen_at: null }, NOW)).toBe('silent')
  expect(lowerStanding({ state: 'revoked', last_seen_at: ago(1) }, NOW)).toBe('revoked')
})

test('a state of the link above that nobody knows is never shown as well', () => {
  expect(upperStanding({ state: 'live', delay_s: 0 })).toBe('live')
  expect(upperStanding({ state: 'live', delay_s: 90 })).toBe('late')
  expect(upperStanding({ state: 'something' })).toBe('away')
})

test('reasons have words; what has none is shown as it is', () => {
  expect(reasonKey('revoked')).toBe('revoked')
  expect(reasonKey('ConnectError: All connection attempts failed')).toBe('unreachable')
  expect(reasonKey('ConnectTimeout: ')).toBe('timeout')
  expect(reasonKey('ConnectError: [SSL: CERTIFICATE_VERIFY_FAILED]')).toBe('other_certificate')
  expect(reasonKey('503 busy')).toBe('busy')
  expect(reasonKey('an answer of more than 9 bytes')).toBeNull()
  expect(reasonKey(null)).toBeNull()
})

test('a day is even where every row sent has one fate', () => {
  const row = { node: 'n', day: '2026-11-24', kind: 'event', sent: 10 }
  expect(difference({ ...row, fates: { kept: 7, duplicate: 1, held: 1, dropped: 1 } })).toBe(0)
  expect(difference({ ...row, fates: { kept: 7 } })).toBe(3)
  expect(difference({ ...row, kept: 11 })).toBe(-1)
  expect(fates({ ...row, fates: { held: 2 } })).toEqual({ kept: 0, duplicate: 0, held: 2, dropped: 0 })
  expect(lastDay(NOW)).toBe('2026-11-24')
})

test('a code counts down to nothing, and a fuller lane is thicker', () => {
  expect(secondsLeft(ago(-61), NOW)).toBe(61)
  expect(secondsLeft(ago(5), NOW)).toBe(0)
  expect(girth(0)).toBe(2)
  expect(girth(5000)).toBeGreaterThan(girth(50))
  expect(girth(1e12)).toBe(9)
})

test('communities stand by open level 1, then delivery, then who has the fewest devices online', () => {
  const all = [of('well'), of('few', { online: 5, online_rate: 0.5 }), of('late', { delay_s: 60 }), of('cut', { last_seen_at: ago(900) }), of('fire', { open_level_1: 1, open: 1 })]
  expect(ranked(all, standing).map((each) => each.site_id)).toEqual(['fire', 'cut', 'late', 'few', 'well'])
  expect(all.filter((each) => inTrouble(each, standing(each))).map((each) => each.site_id)).toEqual(['few', 'late', 'cut', 'fire'])
})

test('what is made here is delivered nowhere', () => expect(standing(of('own', { node: 'n-here', last_seen_at: null }))).toBeNull())

test('a community shows its worst open alarm; a drill is a notice; a cut link comes before silent devices', () => {
  const alarm = (site_id: string, level: number, more = {}) => ({ site_id, level, state: 'new', drill: false, ...more }) as Alarm
  const site = (id: string, more = {}) => ({ id, kind: 'site', name: id, devices_online: 1, devices_total: 2, open_alarms: 9, ...more })
  const alarms = [alarm('a', 3), alarm('a', 1), alarm('b', 1, { drill: true }), alarm('c', 1, { state: 'closed' })]
  expect(openBySite(alarms).get('a')).toEqual({ 1: 1, 3: 1 })
  const found = communities([site('a'), site('b'), site('c'), site('d'), { id: 'x', kind: 'building', name: 'x' }], alarms, new Map([['c', 'cut']]))
  expect(found.map((each) => [each.id, each.condition, each.open])).toEqual([['a', 'level1', 2], ['b', 'level4', 1], ['c', 'cut', 0], ['d', 'offline', 0]])
  expect(communities([site('a')], null, new Map())[0]?.open).toBe(9)
})

test('a cell is warm where somebody waits long or devices are silent, and says why in words', () => {
  expect([ageHeat(null, NOW), ageHeat(ago(60), NOW), ageHeat(ago(400), NOW), ageHeat(ago(4000), NOW)]).toEqual([0, 0, 1, 2])
  expect([1, 0.95, 0.85, 0.5].map((online_rate) => onlineHeat(of('a', { online_rate })))).toEqual([0, 0, 1, 2])
  expect([delayText(of('late', { delay_s: 65 }), 'late', NOW), delayText(of('cut', { last_seen_at: ago(900) }), 'silent', NOW), delayText(of('here'), null, NOW)]).toEqual(['1 分钟 5 秒', '15 分钟前', ''])
})

test('each day is summed once, the newest first, with the accounts that differ', () => {
  const row = (day: string, kind: string, sent: number, kept: number) => ({ node: 'n', day, kind, sent, fates: { kept, duplicate: 0, held: 0, dropped: 0 } })
  const rows = [row('2026-11-23', '*', 9, 9), row('2026-11-23', 'event', 9, 9), row('2026-11-24', '*', 7, 6), row('2026-11-24', 'event', 7, 6)]
  expect(daySums(rows)).toEqual([{ day: '2026-11-24', sent: 7, uneven: 1 }, { day: '2026-11-23', sent: 9, uneven: 0 }])
})
