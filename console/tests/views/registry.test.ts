import { expect, test } from 'vitest'

import type { Device } from '@/api/devices'
import { ApiError } from '@/api/client'
import { blank, formOf, requestOf } from '@/views/devices/form'
import { shown, type Wording } from '@/views/devices/why'
import { differences } from '@/views/places/history'
import { renamed } from '@/views/renamed'
import { complete, roleName, sameGrants } from '@/views/users/grants'

const WORDING: Wording = { time: (iso) => `at ${iso}`, every: (s) => `every ${s}`, offset: (ms) => `${ms} ms`, key: (value) => value }
const DEVICE = {
  id: 'd1', kind: 'alarm_panel', name: '周界主机', protocol: 'dc09', account: '0/1234', code: '', place_id: 'p1', version: 7, unit: '嘉陵物业', keyed: true,
  certificate: { number: 'A', issuer: '', expires_on: null },
} as unknown as Device

test('only what changed is sent, with the version it was changed from', () => {
  expect(requestOf({ ...formOf(DEVICE), name: ' 西墙主机 ' }, null, DEVICE)).toEqual({ name: '西墙主机', version: 7 })
})

test('a credential is sent where one was typed, emptied where it shall end, and never read back', () => {
  expect(requestOf(formOf(DEVICE), 'AB'.repeat(16), DEVICE)).toEqual({ credential: 'AB'.repeat(16), version: 7 })
  expect(requestOf(formOf(DEVICE), '', DEVICE)).toEqual({ credential: '', version: 7 })
  expect(JSON.stringify(formOf(DEVICE))).not.toContain('credential')
})

test('how a camera speaks is asked for as a whole once one word of it changed', () => {
  const before = formOf(DEVICE)
  const viid = { ...before.viid, user: 'gateway', addresses: ['192.0.2.10'] }
  expect(requestOf({ ...before, viid }, null, DEVICE)).toEqual({ viid, version: 7 })
})

test('a new device sends all that was filled in', () => {
  expect(requestOf({ ...blank(), kind: 'camera', name: 'a' }, null, null)).toMatchObject({ kind: 'camera', name: 'a', save_days: null })
})

test('a finding is told by what its field means', () => {
  expect(shown('heard_at', 'expected', 60, WORDING)).toBe('every 60')
  expect(shown('heard_at', 'received', '2026', WORDING)).toBe('at 2026')
  expect(shown('offset_ms', 'received', -3100, WORDING)).toBe('-3100 ms')
  expect(shown('key', 'expected', 'encrypted', WORDING)).toBe('encrypted')
  expect(shown('account', 'received', null, WORDING)).toBe('')
})

test('a history names what a person changed, also inside the profile', () => {
  const before = { name: 'a', version: 1, profile: { era: 'new', phone: '1' } }, after = { name: 'b', version: 2, profile: { era: 'new' } }
  expect(differences(before, after)).toEqual([{ field: 'name', before: 'a', after: 'b' }, { field: 'profile.phone', before: '1', after: '' }])
})

test('a grant says which role and where', () => {
  expect(complete({ role: 'guard', scope_kind: 'place', scope_value: '' })).toBe(false)
  expect(complete({ role: 'guard', scope_kind: 'everything', scope_value: '' })).toBe(true)
  expect(sameGrants([{ role: 'a', scope_kind: 'everything', scope_value: '' }], [{ role: 'a', scope_kind: 'everything', scope_value: '', expires_at: null }])).toBe(true)
  expect(roleName([], 'gone')).toBe('gone')
})

test('a refusal whose code two subjects share gets the words of its own', () => {
  expect(() => renamed({ bad_code: 'bad_place_code' })(new ApiError(422, 'bad_code', ''))).toThrow(expect.objectContaining({ code: 'bad_place_code' }))
  expect(() => renamed({ bad_code: 'bad_place_code' })(new ApiError(409, 'exists', ''))).toThrow(expect.objectContaining({ code: 'exists' }))
})
