import { expect, test, vi } from 'vitest'

import { digits } from '@/api/alarms'
import { ApiError } from '@/api/client'
import type { Alarm } from '@/api/types'
import { counted, fits, grouped, prune, standing } from '@/alarms/list'
import { calling, mayOpen, neighbour, toShow, TYPING_MS } from '@/alarms/popups'
import { Pulse } from '@/alarms/pulse'
import { SENT_WAIT_MS, Steps, type Action, type Answer, type StepPort } from '@/alarms/steps'
import { lasting, Metronome, once } from '@/alarms/tones'

const NOW = Date.parse('2026-11-22T08:16:00Z')
const alarm = (id: string, over: Partial<Alarm> = {}): Alarm => ({
  id, raised_at: '2026-11-22T08:15:50Z', site_id: 's', place_id: 'p', place_path: '/510800/s/p/', place_name: '3栋', device_id: 'd',
  device_name: '主机', zone: '001', kind: 'intrusion', level: 2, state: 'new', returned: false, ended_by: null, active: true,
  shelved_until: null, bypassed: false, drill: false, owner: null, joined: [], finding: null, note: '', count: 1,
  last_at: '2026-11-22T08:15:50Z', acknowledged_at: null, closed_at: null, undo_until: null, review: null, escalation: 0,
  storm_key: `d|${id}`, home_node: 'n', version: 1, flags: [], ...over,
})
const desk = (over = {}) => ({ shown: null, dismissed: new Set<string>(), storm: false, ...over })
const ids = (alarms: { id: string }[]) => alarms.map((each) => each.id)

test('a pulse tells at once, then gathers what comes meanwhile', async () => {
  vi.useFakeTimers()
  let told = 0
  const pulse = new Pulse(() => { told += 1 }, 60, 200, () => Date.now())
  for (let each = 0; each < 50; each += 1) pulse.beat()
  expect(told).toBe(1)
  await vi.advanceTimersByTimeAsync(60)
  expect(told).toBe(2)
  await vi.advanceTimersByTimeAsync(1_000)
  pulse.beat()
  expect(told).toBe(3)
  pulse.beat()
  pulse.stop()
  await vi.advanceTimersByTimeAsync(1_000)
  expect(told).toBe(3)
  vi.useRealTimers()
})

test('levels 1 and 2 call, level 3 calls only where a life or the perimeter is at stake', () => {
  const found = calling([alarm('door', { level: 3, kind: 'door_held' }), alarm('wall', { level: 3 }), alarm('fire', { level: 1, kind: 'fire' }), alarm('cut')], desk(), NOW)
  expect(ids(found)).toEqual(['fire', 'cut', 'wall'])
})

test('shelved, bypassed, acknowledged and dismissed alarms do not call', () => {
  const found = calling([
    alarm('shelved', { shelved_until: '2026-11-22T09:00:00Z' }), alarm('bypassed', { bypassed: true }), alarm('seen', { state: 'acknowledged' }), alarm('left'),
  ], desk({ dismissed: new Set(['left']) }), NOW)
  expect(found).toEqual([])
})

test('a shelved alarm calls again when its time is over', () => {
  expect(calling([alarm('a', { shelved_until: '2026-11-22T08:15:59Z' })], desk(), NOW)).toHaveLength(1)
})

test('in a flood one alarm of each group calls, and the one shown stays', () => {
  const many = [alarm('a', { storm_key: 'k' }), alarm('b', { storm_key: 'k' }), alarm('c', { storm_key: 'other' })]
  expect(ids(calling(many, desk({ storm: true, shown: 'b' }), NOW)).sort()).toEqual(['b', 'c'])
})

test('only a more urgent alarm takes the place of the one shown', () => {
  expect(toShow([alarm('new')], alarm('shown'))).toBe('shown')
  expect(toShow([alarm('fire', { level: 1 })], alarm('shown'))).toBe('fire')
  expect(toShow([], alarm('shown'))).toBe('shown')
  expect(toShow([alarm('new')], null)).toBe('new')
  expect(toShow([alarm('new')], alarm('shown', { state: 'closed' }))).toBe('new')
})

test('walking goes round the ends', () => {
  const order = [alarm('a'), alarm('b')]
  expect(neighbour(order, 'b', 1)).toBe('a')
  expect(neighbour(order, 'a', -1)).toBe('b')
  expect(neighbour(order, null, 1)).toBe('a')
  expect(neighbour([], 'a', 1)).toBe(null)
})

test('nothing opens over a field somebody types in', () => {
  const popup = { left: 266, top: 48, right: 1366, bottom: 768 }, field = { left: 300, top: 200, right: 500, bottom: 232 }
  expect(mayOpen(popup, field, 500)).toBe(false)
  expect(mayOpen(popup, field, TYPING_MS + 1)).toBe(true)
  expect(mayOpen(popup, { left: 300, top: 8, right: 500, bottom: 40 }, 500)).toBe(true)
  expect(mayOpen(popup, null, 0)).toBe(true)
})

test('level 1 sounds until touched, louder after 15 s, also when muted', () => {
  const fire = alarm('fire', { level: 1 }), ears = { touched: new Set<string>(), mutedUntil: NOW + 50_000, linkBroken: false }
  expect(lasting([fire, alarm('b')], ears, NOW)).toEqual(['siren'])
  expect(lasting([fire], ears, NOW + 5_000)).toEqual(['siren_loud'])
  expect(lasting([fire], { ...ears, touched: new Set(['fire']) }, NOW)).toEqual([])
})

test('level 2 beeps unless muted; a broken link is told unless muted; a drill never wails', () => {
  const ears = { touched: new Set<string>(), mutedUntil: 0, linkBroken: true }
  expect(lasting([alarm('a')], ears, NOW)).toEqual(['beeps', 'link'])
  expect(lasting([alarm('a')], { ...ears, mutedUntil: NOW + 1 }, NOW)).toEqual([])
  expect(lasting([alarm('a', { level: 1, drill: true })], { ...ears, linkBroken: false }, NOW)).toEqual([])
})

test('level 3 chimes once a group in a flood', () => {
  const door = alarm('door', { level: 3, storm_key: 'k' })
  expect(once(door, false, new Set(), true)).toBe('chime')
  expect(once(door, false, new Set(['k']), true)).toBe(null)
  expect(once(door, false, new Set(['k']), false)).toBe('chime')
  expect(once(alarm('info', { level: 4 }), false, new Set(), false)).toBe(null)
})

test('beeps come every 5 s and at once when they begin anew', () => {
  const metronome = new Metronome()
  expect(metronome.due(['beeps'], 0)).toEqual(['beeps'])
  expect(metronome.due(['beeps'], 4_999)).toEqual([])
  expect(metronome.due(['beeps'], 5_000)).toEqual(['beeps'])
  metronome.due([], 5_100)
  expect(metronome.due(['beeps'], 5_200)).toEqual(['beeps'])
})

test('a flood is grouped by device and kind, fire stands alone', () => {
  const groups = grouped([alarm('a', { storm_key: 'k' }), alarm('b', { storm_key: 'k', state: 'acknowledged' }), alarm('f', { storm_key: 'k2', kind: 'fire', level: 1 }), alarm('g', { storm_key: 'k2', kind: 'fire', level: 1 })])
  expect(groups.map((each) => [each.key, each.alarms.length, each.waiting])).toEqual([['f', 1, 1], ['g', 1, 1], ['k', 2, 1]])
})

test('counters count what waits, without drills', () => {
  expect(counted([alarm('a'), alarm('b', { drill: true }), alarm('c', { state: 'handling' }), alarm('d', { level: 1 })])).toEqual({ 1: 1, 2: 1, 3: 0, 4: 0 })
})

test('filters fit by level, type, place anywhere above, and words', () => {
  expect(fits(alarm('a'), { level: '2', kind: 'intrusion', place: '510800', q: '主机' })).toBe(true)
  expect(fits(alarm('a'), { place: '5108' })).toBe(false)
  expect(fits(alarm('a'), { level: '1' })).toBe(false)
})

test('an ended alarm that nobody acknowledged is not handled', () => {
  expect(standing(alarm('a', { returned: true, active: false }), NOW)).toBe('returned')
  expect(standing(alarm('a', { state: 'closed', returned: true }), NOW)).toBe('closed')
  expect(standing(alarm('a', { shelved_until: '2026-11-22T09:00:00Z' }), NOW)).toBe('shelved')
})

test('only closed alarms are forgotten, the oldest first, never the one shown', () => {
  const known = new Map(Array.from({ length: 310 }, (_, index) => [`c${index}`, alarm(`c${index}`, { state: 'closed', closed_at: `2026-11-22T08:${String(index % 60).padStart(2, '0')}:00Z` })]))
  known.set('open', alarm('open'))
  prune(known, new Set(['c0']))
  expect(known.has('open') && known.has('c0')).toBe(true)
  expect(known.size).toBe(302)
})

test('findings keep their digits whether told as names or as objects', () => {
  expect(digits(['animal', '', 'test']).slice(0, 3)).toEqual(['animal', '', 'test'])
  expect(digits([{ digit: 9, finding: 'true' }])[8]).toBe('true')
})

function lab(answers: (action: Action) => Promise<Answer>) {
  const told: string[] = []
  let version = 1
  const port: StepPort = {
    act: (id, action) => { told.push(`${action} ${id}`); return answers(action) },
    version: () => version, take: (taken) => { version = taken.version },
    sent: (_, what) => told.push(what ? `sent ${what.action}` : 'known'), refused: (_, action) => told.push(`refused ${action}`),
  }
  return { steps: new Steps(port), told, arrive: (next: number) => { version = next } }
}

test('three fast keys arrive in their order', async () => {
  let version = 1
  const { steps, told } = lab(async () => alarm('a', { version: ++version }))
  await Promise.all([steps.do('a', 'acknowledge'), steps.do('a', 'finding'), steps.do('a', 'close')])
  expect(told).toEqual(['acknowledge a', 'finding a', 'close a'])
})

test('what follows a refused step is not tried, a later try is', async () => {
  let refuse = true
  const { steps, told } = lab(async () => { if (refuse) throw new ApiError(409, 'is_acknowledged', ''); return alarm('a') })
  expect(await Promise.all([steps.do('a', 'acknowledge'), steps.do('a', 'close')])).toEqual([false, false])
  refuse = false
  expect(await steps.do('a', 'close')).toBe(true)
  expect(told).toEqual(['acknowledge a', 'refused acknowledge', 'close a'])
})

test('a step for a tier below is sent until the alarm comes back newer, then the next goes', async () => {
  const { steps, told, arrive } = lab(async () => ({ state: 'sent', command_id: 'c' }))
  const both = Promise.all([steps.do('a', 'acknowledge'), steps.do('a', 'finding')])
  await vi.waitFor(() => expect(told).toContain('sent acknowledge'))
  expect(told).not.toContain('finding a')
  steps.arrived('a', 2); arrive(2)
  await vi.waitFor(() => expect(told).toContain('sent finding'))
  steps.arrived('a', 3)
  expect(await both).toEqual([true, true])
})

test('what the tier below refuses, or never answers, is told', async () => {
  vi.useFakeTimers()
  const { steps, told } = lab(async () => ({ state: 'sent', command_id: 'c' }))
  const first = steps.do('a', 'take_over')
  await vi.advanceTimersByTimeAsync(1)
  steps.ended('c', 'refused', 'is_closed')
  expect(await first).toBe(false)
  const second = steps.do('a', 'join')
  await vi.advanceTimersByTimeAsync(SENT_WAIT_MS + 1)
  expect(await second).toBe(false)
  expect(told.filter((each) => each.startsWith('refused'))).toEqual(['refused take_over', 'refused join'])
  vi.useRealTimers()
})
