import { beforeEach, expect, test } from 'vitest'

import { path } from '@/api/exports'
import type { Difference, Problem } from '@/api/site_files'
import { say, speak } from '@/locales'
import { recordsEn } from '@/locales/records.en'
import { recordsZh } from '@/locales/records.zh'
import { sizeText } from '@/views/backups/size'
import { fieldText, isSealed, placeOf, sums } from '@/views/site_files/plan'

const named = (section: string) => recordsZh.section[section as 'place'] ?? section
beforeEach(() => speak('zh'))

test('a mistake is named by its line, or by sheet, row and column', () => {
  const line = { line: 12, key: '', code: 'twice', message: '' } as Problem
  const cell = { sheet: 'device', row: 3, column: 'F', heading: '账号 account', key: '', code: 'bad_account', message: '' } as Problem
  const added = { section: 'place', key: 'p1', title: '东门', what: 'add', line: 0, fields: [] } as Difference
  expect(placeOf(line, say, named)).toBe('第 12 行')
  expect(placeOf(cell, say, named)).toBe('设备 第 3 行 F 账号 account')
  expect(placeOf(added, say, named)).toBe('')
})

test('only sections in which something happens are summed', () => {
  const quiet = { add: 0, change: 0, retire: 0 }
  expect(sums({ place: { add: 2, change: 0, retire: 1 }, device: quiet })).toEqual([{ section: 'place', add: 2, change: 0, retire: 1 }])
})

test('values are words, and nothing is a dash', () => {
  expect([null, '', 7, true, ['a'], '西墙'].map(fieldText)).toEqual(['—', '—', '7', 'true', '["a"]', '西墙'])
})

test('a file with sealed values says so', () => {
  expect(isSealed('format = 1\n\n[sealing]\nsalt = "x"\n')).toBe(true)
  expect(isSealed('format = 1\n# [sealing]\n')).toBe(false)
})

test.each([[0, '0 B'], [1023, '1023 B'], [1536, '1.5 KB'], [150 * 1024 ** 2, '150 MB'], [5 * 1024 ** 4, '5.0 TB']])('%d bytes are said as %s', (bytes, words) => {
  expect(sizeText(bytes)).toBe(words)
})

test('both languages have words for the same things', () => {
  const keys = (of: object): string[] => Object.entries(of).flatMap(([key, value]) => (typeof value === 'object' ? keys(value as object).map((each) => `${key}.${each}`) : [key]))
  expect(keys(recordsEn)).toEqual(keys(recordsZh))
})

test('each file is asked for where its rows are', () => {
  expect(path('passages', 'xlsx', { place: 'p1', since: '' })).toBe('/api/vehicles/export.xlsx?place=p1')
  expect(path('statistics', 'csv', { of: 'alarms' })).toBe('/api/exports/statistics.csv?of=alarms')
})
