import { afterEach, expect, test, vi } from 'vitest'

import { ApiError, get, post, setDoorman } from '@/api/client'
import { chosenIn, withFilter, withoutFilters } from '@/components/filters'
import { explain } from '@/components/failure'
import { clockText, spanText } from '@/components/time'
import { checks } from '@/components/passwords'
import { i18n, speak, word } from '@/locales'
import { en } from '@/locales/en'
import { zh } from '@/locales/zh'
import { counts, hours } from '@/views/home/histogram'
import { Chords } from '@/views/shell/chords'
import { PAGES, rail, SECTIONS } from '@/router/pages'

const FILTERS = [{ key: 'q', label: 'q', kind: 'text' as const }, { key: 'state', label: 'state', kind: 'select' as const }]
const answer = (status: number, body: unknown) => new Response(JSON.stringify(body), { status })
afterEach(() => { vi.unstubAllGlobals(); setDoorman(null); speak('zh') })

function leaves(words: object, before = ''): [string, string][] {
  return Object.entries(words).flatMap(([key, value]: [string, unknown]): [string, string][] =>
    typeof value === 'string' ? [[before + key, value]] : leaves(value as object, `${before}${key}.`))
}

test('both languages have the same words with the same blanks, and all of them compile', () => {
  const chinese = new Map(leaves(zh)), english = new Map(leaves(en))
  expect([...english.keys()].sort()).toEqual([...chinese.keys()].sort())
  const blanks = (text = '') => [...text.matchAll(/\{(\w+)\}/g)].map((each) => each[1]).sort()
  for (const [key, text] of chinese) expect([key, blanks(english.get(key))]).toEqual([key, blanks(text)])
  for (const key of chinese.keys()) expect(() => i18n.global.t(key)).not.toThrow()
})

test('a value nobody translated is shown as it is', () => {
  expect(word('kind', 'fire')).toBe('火灾报警')
  expect(word('kind', 'meteor')).toBe('meteor')
})

test('filters leave what is not theirs in the address', () => {
  const query = { q: '门', state: 'open', tab: '2', bad: undefined }
  expect(chosenIn(query, FILTERS)).toEqual({ q: '门', state: 'open' })
  expect(withFilter(query, 'q', '')).toEqual({ state: 'open', tab: '2', bad: undefined })
  expect(withFilter({}, 'flag', true)).toEqual({ flag: 'true' })
  expect(withoutFilters(query, FILTERS)).toEqual({ tab: '2', bad: undefined })
})

test('the rail keeps its order and hides what the account may not open', () => {
  const shown = rail(PAGES, () => false, 'community')
  expect(shown.flatMap((each) => each.pages).every((each) => each.action === '')).toBe(true)
  const order = rail(PAGES, () => true, 'county').map((each) => SECTIONS.indexOf(each.section))
  expect(order).toEqual([...order].sort((a, b) => a - b))
})

test('the 24 hours end with the present one and several kinds of an hour add up', () => {
  const now = Date.parse('2026-11-22T08:16:00Z'), starts = hours(now)
  const bars = [{ at: '2026-11-22T08:00:00Z', level: 1, kind: 'fire', count: 2 }, { at: '2026-11-22T08:00:00Z', level: 1, kind: 'gas', count: 1 }, { at: '2026-11-21T08:00:00Z', level: 1, count: 9 }]
  expect(starts).toHaveLength(24)
  expect(counts(bars, 1, starts).at(-1)).toBe(3)
  expect(counts(bars, 1, starts).reduce((a, b) => a + b)).toBe(3)
  expect(counts(bars, 2, starts).every((each) => each === 0)).toBe(true)
})

test('strength rules are met one by one, names and common words count', () => {
  const met = (password: string) => checks(password, { length: 10, classes: 3 }, ['zhang.wei', '张伟']).filter((each) => each.met).map((each) => each.rule)
  expect(met('Kd9#mw2Lqz')).toEqual(['length', 'classes', 'name', 'common'])
  expect(met('zhang.wei1A')).not.toContain('name')
  expect(met('我张伟Abc12345')).not.toContain('name')
  expect(met('Password123!')).not.toContain('common')
})

test('g and a letter jump once, in time, and never while typing', () => {
  const done: string[] = []
  let now = 0
  const chords = new Chords({ pages: () => [{ name: 'alarms', jump: 'a' }], go: (name) => done.push(name), search: () => done.push('search'), help: () => done.push('help'), mute: () => done.push('mute') }, () => now)
  const press = (key: string, target: EventTarget = document.body) => chords.press({ key, target, ctrlKey: false, altKey: false, metaKey: false })
  for (const key of ['g', 'a', 'a', '/', '?', 'm']) press(key)
  press('g'); now = 5_000; press('a')
  press('g', document.createElement('input')); press('a')
  expect(done).toEqual(['alarms', 'search', 'help', 'mute'])
})

test('page names and jump letters are unique', () => {
  const jumps = PAGES.map((each) => each.jump).filter(Boolean)
  expect(new Set(PAGES.map((each) => each.name)).size).toBe(PAGES.length)
  expect(new Set(jumps).size).toBe(jumps.length)
})

test('durations are words of their two largest units', () => {
  expect(spanText(185)).toBe('3 分钟 5 秒')
  expect(spanText(0)).toBe('0 秒')
  expect(spanText(86_400 * 2 + 60)).toBe('2 天')
  expect(clockText('not a time')).toBe('')
})

test('a failure says what, why, what to do, and its code', () => {
  const told = explain(new ApiError(409, 'is_acknowledged', 'somebody acknowledged it already'))
  expect(told).toMatchObject({ title: '与现状冲突', why: '已有人确认。', code: 'is_acknowledged (409)', denied: false })
  expect(explain(new ApiError(422, 'odd', 'the server says why')).why).toBe('the server says why')
  expect(explain(new ApiError(403, 'forbidden', '')).denied).toBe(true)
})

test('a request refused for re-authentication is sent once more after the password was right', async () => {
  const fetched = vi.fn<() => Promise<Response>>()
    .mockResolvedValueOnce(answer(403, { code: 'reauthenticate', message: '' })).mockResolvedValueOnce(answer(200, { done: true }))
  vi.stubGlobal('fetch', fetched)
  setDoorman({ reauthenticate: async () => true, loggedOut: () => undefined, locked: () => undefined })
  expect(await post('/api/x')).toEqual({ done: true })
  expect(fetched).toHaveBeenCalledTimes(2)
})

test('a cancelled re-authentication leaves the refusal, and no session tells the doorman', async () => {
  const told: string[] = []
  setDoorman({ reauthenticate: async () => false, loggedOut: () => told.push('out'), locked: () => told.push('locked') })
  vi.stubGlobal('fetch', async (path: string) => (path === '/api/a' ? answer(403, { code: 'reauthenticate' }) : answer(401, { code: 'no_session' })))
  await expect(get('/api/a')).rejects.toMatchObject({ code: 'reauthenticate' })
  await expect(get('/api/b')).rejects.toMatchObject({ status: 401 })
  expect(told).toEqual(['out'])
})
