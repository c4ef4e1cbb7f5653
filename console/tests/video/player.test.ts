import { expect, test } from 'vitest'

import { backOff, chase, stale } from '@/video/chase'
import { decode, expand } from '@/video/sound'
import { Walls } from '@/video/walls'
import { decodeTime, readChunk, readWord, timescale } from '@/video/wire'

const box = (name: string, ...rest: number[]) => Uint8Array.from([0, 0, 0, 8 + rest.length, ...[...name].map((each) => each.charCodeAt(0)), ...rest])
const joined = (...parts: Uint8Array[]) => Uint8Array.from(parts.flatMap((each) => [...each]))

test('a chunk is its kind, the wall clock of its first sample, and bytes', () => {
  const data = new ArrayBuffer(11), view = new DataView(data)
  view.setUint8(0, 1)
  view.setFloat64(1, 1_795_000_000_123.5)
  view.setUint8(9, 7)
  expect(readChunk(data)).toEqual({ kind: 1, wall: 1_795_000_000_123.5, body: Uint8Array.from([7, 0]) })
  expect(readChunk(new ArrayBuffer(9))).toBeNull()
})

test('words that are none of ours are passed over', () => {
  expect(readWord('{"type":"state","code":"no_rtp"}')).toEqual({ type: 'state', code: 'no_rtp' })
  expect(['nonsense', 'null', '[]', '{"code":"x"}'].map(readWord)).toEqual([null, null, null, null])
})

test('a fragment tells its time in both widths, and an init segment its clock', () => {
  const wide = box('tfdt', 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 5), narrow = box('tfdt', 0, 0, 0, 0, 0, 1, 0x5f, 0x90)
  expect(decodeTime(joined(box('mfhd', 0, 0, 0, 0, 0, 0, 0, 1), wide))).toBe(2 ** 32 + 5)
  expect(decodeTime(joined(box('mfhd'), narrow))).toBe(90_000)
  expect(decodeTime(Uint8Array.from([1, 2, 3]))).toBeNull()
  expect(timescale(joined(box('moov'), box('mdhd', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x03, 0xe8, 0, 0, 0, 0, 0x55, 0xc4, 0, 0)))).toBe(1000)
  expect(timescale(Uint8Array.from([0]))).toBe(90_000)
})

test('media time and wall clock lead to each other, over a gap too', () => {
  const walls = new Walls()
  for (let at = 0; at < 10; at += 0.04) walls.note(at, 1_000_000 + at * 1000)
  for (let at = 10; at < 12; at += 0.04) walls.note(at, 2_000_000 + (at - 10) * 1000)
  expect(walls.wallAt(5)).toBeCloseTo(1_005_000)
  expect(walls.wallAt(11)).toBeCloseTo(2_001_000)
  expect(walls.mediaAt(1_005_000)).toBeCloseTo(5)
  expect(walls.mediaAt(2_001_000)).toBeCloseTo(11)
  expect([walls.mediaAt(1_500_000), walls.mediaAt(999_000), walls.mediaAt(2_100_000)]).toEqual([null, null, null])
  expect(walls.next(1_500_000)?.wall).toBeCloseTo(2_000_000)
})

test('a clock that drifts is followed, and marks never grow without end', () => {
  const walls = new Walls()
  for (let at = 0; at < 20_000; at += 0.5) walls.note(at, at * 1001)
  expect(walls.wallAt(19_999)).toBeCloseTo(19_999 * 1001, -2)
  expect(walls.wallAt(0)).not.toBeNull()
})

test('far behind it jumps, a little behind it hurries, with next to nothing ahead it walks slower', () => {
  expect(chase(10, 13, 1)).toHaveProperty('jump')
  expect(chase(10, 10.3, 1)).toEqual({ rate: 1.1 })
  expect(chase(10, 10.3, 1.1)).toBeNull()
  expect(chase(10, 10.13, 1.1)).toEqual({ rate: 1 })
  expect(chase(10, 10.15, 1)).toBeNull()
  expect(chase(10, 10.05, 1)).toEqual({ rate: 0.95 })
  expect(chase(10, 10.11, 0.95)).toBeNull()
  expect(chase(10, 10.14, 0.95)).toEqual({ rate: 1 })
})

test('what is older than wanted goes, in pieces worth the work', () => {
  expect(stale(0, 60, 35)).toBe(25)
  expect(stale(0, 37, 35)).toBeNull()
})

test('the wait grows, has an end, and spreads', () => {
  expect([0, 1, 2, 9].map((each) => backOff(each, 0.5))).toEqual([500, 1000, 2000, 10_000])
  expect(backOff(3, 0)).toBeLessThan(backOff(3, 1))
})

test.each([[0xd5, 8 / 32_768], [0x55, -8 / 32_768], [0x80, 5504 / 32_768], [0xaa, 32_256 / 32_768], [0x2a, -32_256 / 32_768]])('A-law byte %i sounds as %f', (byte, wanted) => {
  expect(expand(byte)).toBeCloseTo(wanted, 6)
  expect(decode(Uint8Array.of(byte))[0]).toBeCloseTo(wanted, 6)
})
