import { expect, test } from 'vitest'

import { bytes } from '@/video/bytes'
import { playKey, type PlayPort } from '@/views/playback/keys'
import { WallKeys, type Press, type WallPort } from '@/views/live/keys'
import { changed, controlOf, listOf } from '@/views/video_devices/quirks'

const press = (key: string, more: Partial<Press> = {}): Press => ({ key, repeat: false, shiftKey: false, ctrlKey: false, altKey: false, metaKey: false, target: document.body, ...more })

function wall(ptz = false) {
  const done: string[] = []
  const port: WallPort = {
    ptz: () => ptz, move: (held, quick) => done.push(`move ${[...held].join('+')}${quick ? ' quick' : ''}`), stop: () => done.push('stop'),
    shape: (index) => done.push(`shape ${index}`), preset: (key) => (key === 'p' ? 'begun' : key === '9' ? 9 : null), call: (number) => done.push(`preset ${number}`),
    back: (seconds) => done.push(`back ${seconds ?? ''}`), forward: (seconds) => done.push(`on ${seconds}`), live: () => done.push('live'), snapshot: () => done.push('snapshot'),
    full: () => done.push('full'), togglePtz: () => done.push('ptz'), close: () => done.push('close'), choose: (step) => done.push(`choose ${step}`), escape: () => true,
  }
  return { done, keys: new WallKeys(port) }
}

test('on the wall arrows wind, digits choose the shape, letters act', () => {
  const { done, keys } = wall()
  for (const key of ['ArrowLeft', 'ArrowRight', '2', 'l', 's', 'F', 'Delete', 'p', '9']) expect(keys.down(press(key))).toBe(true)
  keys.down(press('ArrowLeft', { shiftKey: true }))
  expect(done).toEqual(['back ', 'on 10', 'shape 1', 'live', 'snapshot', 'full', 'close', 'preset 9', 'back 60'])
  expect([keys.down(press('x')), keys.down(press('s', { ctrlKey: true })), keys.down(press('s', { target: document.createElement('input') }))]).toEqual([false, false, false])
})

test('with a hand on the camera arrows turn it while they are held, and let go they stop it', () => {
  const { done, keys } = wall(true)
  keys.down(press('ArrowLeft'))
  keys.down(press('ArrowLeft', { repeat: true }))
  keys.down(press('ArrowUp', { shiftKey: true }))
  keys.up({ key: 'ArrowLeft', shiftKey: false })
  keys.up({ key: 'ArrowUp', shiftKey: false })
  keys.up({ key: 'ArrowUp', shiftKey: false })
  keys.down(press('ArrowDown'))
  keys.release()
  expect(done).toEqual(['move ArrowLeft', 'move ArrowLeft+ArrowUp quick', 'move ArrowUp', 'stop', 'move ArrowDown', 'stop'])
})

test('playback is steered by J K L, single pictures by comma and point, evidence by I O E', () => {
  const done: string[] = []
  const port: PlayPort = {
    toggle: () => done.push('toggle'), slower: () => done.push('slower'), stop: () => done.push('stop'), faster: () => done.push('faster'), frame: (step) => done.push(`frame ${step}`),
    jump: (seconds) => done.push(`jump ${seconds}`), mark: (which) => done.push(which), cut: () => done.push('cut'), snapshot: () => done.push('snapshot'), full: () => done.push('full'),
  }
  for (const key of [' ', 'j', 'k', 'L', ',', '.', 'ArrowLeft', 'i', 'o', 'e', 's', 'f']) expect(playKey(press(key), port)).toBe(true)
  playKey(press('ArrowRight', { shiftKey: true }), port)
  expect(done).toEqual(['toggle', 'slower', 'stop', 'faster', 'frame -1', 'frame 1', 'jump -10', 'in', 'out', 'cut', 'snapshot', 'full', 'jump 60'])
  expect([playKey(press('q'), port), playKey(press(' ', { target: document.createElement('button') }), port)]).toEqual([false, false])
})

test('a quirk gets the switch that suits it, and only what differs is sent', () => {
  expect([controlOf('guard', false), controlOf('media', 'udp', ['udp']), controlOf('position_s', null), controlOf('user', ''), controlOf('addresses', [])]).toEqual(['switch', 'choice', 'number', 'text', 'list'])
  expect(changed({ guard: false, addresses: ['a'], position_s: null }, { guard: true, addresses: ['a'], position_s: null })).toEqual({ guard: true })
  expect(listOf('192.0.2.1, 192.0.2.0/24;\n')).toEqual(['192.0.2.1', '192.0.2.0/24'])
})

test.each([[0, '0 B'], [999, '999 B'], [1_500, '1.5 KB'], [48_000_000, '48 MB'], [8e12, '8.0 TB']])('%i bytes are %s', (count, text) => {
  expect(bytes(count)).toBe(text)
})
