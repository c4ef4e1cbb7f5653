import { expect, test } from 'vitest'

import towns from '@/data/towns.json'
import { cluster, condition, worst, type Placed } from '@/views/map/clusters'
import { readable } from '@/views/map/labels'
import { fit, lines, pan, scaleBar, toEarth, toScreen, toSheet, zoom } from '@/views/map/plane'

const SIZE = { width: 800, height: 600 }
const GUANGYUAN = { longitude: 105.823, latitude: 32.442 }
const HANZHONG = { longitude: 107.0221, latitude: 33.0751 }
const spot = (id: string, x: number, condition: Placed['condition']): Placed => ({ id, at: { x, y: 0 }, condition, open: 1 })

test('the sheet gives the degrees back', () => {
  const back = toEarth(toSheet(GUANGYUAN))
  expect(back.longitude).toBeCloseTo(105.823, 9)
  expect(back.latitude).toBeCloseTo(32.442, 9)
})

test('a fitted window shows every place inside its margin', () => {
  const window = fit([GUANGYUAN, HANZHONG], SIZE)
  for (const each of [GUANGYUAN, HANZHONG]) {
    const { x, y } = toScreen(each, window, SIZE)
    expect(x).toBeGreaterThanOrEqual(59)
    expect(x).toBeLessThanOrEqual(741)
    expect(y).toBeGreaterThanOrEqual(59)
    expect(y).toBeLessThanOrEqual(541)
  }
})

test('what lies under the pointer stays there while the map is zoomed', () => {
  const window = fit([GUANGYUAN, HANZHONG], SIZE), at = toScreen(HANZHONG, window, SIZE)
  const after = toScreen(HANZHONG, zoom(window, 1.7, SIZE, at), SIZE)
  expect(after.x).toBeCloseTo(at.x, 6)
  expect(after.y).toBeCloseTo(at.y, 6)
})

test('a drag moves places with the pointer', () => {
  const window = fit([GUANGYUAN, HANZHONG], SIZE), before = toScreen(GUANGYUAN, window, SIZE)
  const after = toScreen(GUANGYUAN, pan(window, 30, -20), SIZE)
  expect(after.x - before.x).toBeCloseTo(30, 6)
  expect(after.y - before.y).toBeCloseTo(-20, 6)
})

test('the scale bar is a round length of this latitude', () => {
  const { metres, pixels } = scaleBar({ ...toSheet(GUANGYUAN), scale: 2 ** 20 })
  expect(metres).toBe(2000)
  expect(pixels).toBeLessThanOrEqual(140)
})

test('meridians stand at round degrees', () => expect(lines(105.1, 106.2)).toEqual([105.2, 105.4, 105.6, 105.8, 106, 106.2]))

test('the worst open alarm decides what a community shows', () => {
  expect(condition({ open_by_level: { 2: 1, 4: 7 }, total: 3, online: 3 })).toBe('level2')
  expect(condition({ open_level_1: 1, open: 4 })).toBe('level1')
  expect(condition({ state: 'down', total: 3, online: 3 })).toBe('cut')
  expect(condition({ total: 3, online: 2 })).toBe('offline')
  expect(condition({ total: 3, online: 3 })).toBe('normal')
  expect(condition({})).toBe('unknown')
})

test('a red community is never hidden in a quiet cluster', () => {
  const [one, ...others] = cluster([spot('a', 0, 'normal'), spot('b', 10, 'level1'), spot('c', 20, 'offline')])
  expect(others).toEqual([])
  expect(one).toMatchObject({ condition: 'level1', open: 3, id: 'b' })
  expect(worst([])).toBe('normal')
})

test('far places stay apart', () => expect(cluster([spot('a', 0, 'normal'), spot('b', 90, 'normal')])).toHaveLength(2))

test('a city keeps its name where a village would cover it', () => {
  const labels = [{ text: '回龙', at: { x: 5, y: 2 }, rank: 3 }, { text: '广元市', at: { x: 0, y: 0 }, rank: 1 }]
  expect(readable(labels, () => 12).map((each) => each.text)).toEqual(['广元市'])
})

test('the map names where its towns come from and under which licence', () => {
  expect(towns.source).toContain('GeoNames')
  expect(towns.licence).toContain('CC BY 4.0')
  expect(towns.towns.length).toBeGreaterThan(50)
})
