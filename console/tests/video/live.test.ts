import { expect, test } from 'vitest'

import type { Channel, Tree, TreeChannel } from '@/api/video'
import { cells, nextPane, put, reshaped, SHAPES, turned, wallOf } from '@/video/grid'
import { best, placesUp } from '@/video/linked'
import { boxed, fitted, inPicture, moved, PresetKeys, shifted, STOP, wheeled, WHOLE } from '@/video/ptz'
import { firstOpen, forest, rows, under } from '@/video/tree'

test.each(SHAPES)('%i panes fill their square without overlapping', (shape) => {
  const found = cells(shape), taken = new Set<string>()
  expect(found).toHaveLength(shape)
  for (const { column, row, span } of found)
    for (let x = 0; x < span; x++) for (let y = 0; y < span; y++) taken.add(`${column + x} ${row + y}`)
  const across = Math.sqrt(taken.size)
  expect(Number.isInteger(across)).toBe(true)
  expect(found.reduce((sum, each) => sum + each.span ** 2, 0)).toBe(taken.size)
})

test('another shape keeps the pictures in order, and a channel stands in one pane only', () => {
  expect(reshaped(['a', null, 'b', null], 9)).toEqual(['a', null, 'b', null, null, null, null, null, null])
  expect(reshaped(['a', null, null, null, 'b', null, null, null, 'c'], 4)).toEqual(['a', 'b', 'c', null])
  expect(reshaped(['a', null, 'b', null, null, null], 4)).toEqual(['a', null, 'b', null])
  expect(put(['a', 'b', null, null], 2, 'a')).toEqual([null, 'b', 'a', null])
  expect(put(['a', 'b'], 0, 'b')).toEqual(['b', 'a'])
  expect(put(['a', 'b'], 0, null)).toEqual([null, 'b'])
  expect([nextPane(['a', null], 0), nextPane([null, null], 1), nextPane(['a', 'b'], 1)]).toEqual([1, 1, 1])
})

test('a tour goes round its channels page by page', () => {
  const tour = { channels: ['a', 'b', 'c', 'd', 'e', 'f'], seconds: 20, name: '' }
  expect([0, 1, 2].map((turn) => turned(tour, 4, turn))).toEqual([['a', 'b', 'c', 'd'], ['e', 'f', null, null], ['a', 'b', 'c', 'd']])
})

test('what was kept is read with care', () => {
  expect(wallOf({ shape: 4, panes: ['a', 7, null] })).toEqual({ shape: 4, panes: ['a', null, null, null], tour: null })
  expect([wallOf({ shape: 5, panes: [] }), wallOf(null), wallOf({ shape: 4 })]).toEqual([null, null, null])
  expect(wallOf({ shape: 1, panes: [], tour: { channels: ['a'], seconds: 1 } })?.tour).toEqual({ channels: ['a'], seconds: 5, name: '' })
})

const camera = (id: string, place_id: string, name: string, state: TreeChannel['state'] = 'online'): TreeChannel => ({ id, place_id, name, state, ptz: false, recording: null })
const place = (id: string, parent_id: string | null, name: string, total: number) => ({ id, parent_id, name, kind: 'area', online: 0, total })
const TREE: Tree = {
  places: [place('s', null, '东坝小区', 3), place('n', 's', '北门', 1), place('w', 's', '西围墙', 2), place('e', 's', '空地', 0)],
  channels: [camera('c1', 'n', '北门球机'), camera('c2', 'w', '西墙 1', 'offline'), camera('c3', 'w', '西墙 2'), camera('c4', 'gone', '孤机')],
}

test('the tree shows what is open, and what is sought wherever it stands', () => {
  const of = forest(TREE)
  expect(rows(of, new Set(['s', 'w']), '').map((each) => each.id)).toEqual(['s', 'n', 'w', 'c2', 'c3', 'e', ''])
  expect(rows(of, new Set(), '球机').map((each) => each.id)).toEqual(['s', 'n', 'c1'])
  expect(rows(of, new Set(), '西围墙').map((each) => each.id)).toEqual(['s', 'w', 'c2', 'c3'])
  expect(rows(of, new Set(), 'nowhere')).toEqual([])
  expect(under(of, 's').map((each) => each.id)).toEqual(['c1', 'c2', 'c3'])
  expect(firstOpen(forest({ ...TREE, channels: TREE.channels.slice(0, 3) }))).toEqual(['s', 'n', 'w', 'e'])
})

test('regions above the only community are left out', () => {
  const region = { id: '510802', parent_id: null, name: '利州区', kind: 'county', online: 0, total: 3 }
  const [site, ...rest] = TREE.places
  const of = forest({ places: [region, { ...site!, parent_id: '510802', kind: 'site' }, ...rest], channels: TREE.channels.slice(0, 3) })
  expect(of.roots.map((each) => each.id)).toEqual(['s'])
})

test('keys held together move together, and Shift is quick', () => {
  expect(moved(['ArrowLeft', 'ArrowUp'], false)).toEqual({ act: 'move', pan: -96, tilt: 96, zoom: 0 })
  expect(moved(['ArrowRight', '+'], true)).toEqual({ act: 'move', pan: 255, tilt: 0, zoom: 255 })
  expect(moved(['ArrowLeft', 'ArrowRight'], false)).toEqual(STOP)
})

test('a box is told in parts of the picture, whatever lies beside it', () => {
  const pane = { width: 400, height: 400 }, picture = { width: 1920, height: 1080 }
  expect(fitted(pane, picture)).toEqual({ x: 0, y: 87.5, width: 400, height: 225 })
  expect(inPicture({ x: 200, y: 200 }, pane, picture, WHOLE)).toEqual({ x: 0.5, y: 0.5 })
  expect(inPicture({ x: 200, y: 0 }, pane, picture, WHOLE)).toEqual({ x: 0.5, y: 0 })
  expect(boxed({ x: 0.2, y: 0.2 }, { x: 0.6, y: 0.5 })).toEqual({ act: 'drag_in', box: [0.2, 0.2, 0.4, 0.3] })
  expect(boxed({ x: 0.6, y: 0.5 }, { x: 0.2, y: 0.2 })).toEqual({ act: 'drag_out', box: [0.2, 0.2, 0.4, 0.3] })
  expect(boxed({ x: 0.2, y: 0.2 }, { x: 0.21, y: 0.2 })).toBeNull()
})

test('the wheel leaves the point under it where it is, and nothing shows beside the picture', () => {
  const pane = { width: 400, height: 300 }, at = { x: 100, y: 100 }
  const near = wheeled(WHOLE, at, 2, pane)
  expect(near).toEqual({ scale: 2, x: -100, y: -100 })
  expect(shifted(near, 500, -500, pane)).toEqual({ scale: 2, x: 0, y: -300 })
  expect(wheeled(near, at, 0.1, pane)).toEqual(WHOLE)
  const middle = { width: 400, height: 300 }
  expect(inPicture(at, pane, middle, near)).toEqual({ x: 0.25, y: 1 / 3 })
})

test('P and a digit call a preset, in time', () => {
  let now = 0
  const keys = new PresetKeys(() => now)
  expect([keys.press('p'), keys.press('3'), keys.press('3')]).toEqual(['begun', 3, null])
  keys.press('P'); now = 5_000
  expect(keys.press('1')).toBeNull()
})

test('cameras of an alarm are sought where it was raised, then further up, no further than its community', () => {
  expect(placesUp('/510800/510802/s1/west/wall3/', 'wall3', 's1')).toEqual(['wall3', 'west', 's1'])
  expect(placesUp('/510800/', '510800', '')).toEqual(['510800'])
  const channel = (id: string, state: string, ptz: boolean) => ({ id, state, ptz }) as unknown as Channel
  expect(best([channel('a', 'offline', true), channel('b', 'online', false), channel('c', 'online', true)]).map((each) => each.id)).toEqual(['c', 'b', 'a'])
})
