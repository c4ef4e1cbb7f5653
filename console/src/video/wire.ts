/** What comes over the viewer's socket: words as JSON, pictures and sound as bytes with the wall clock before them. */
import type { Grade, Said } from '@/api/video'

export interface Init { type: 'init'; codec: string; width: number; height: number; grade: Grade; audio: string | null }
export interface Told { type: 'state'; code: string; zh?: string; en?: string }
export interface Ended { type: 'end'; code: string; zh?: string; en?: string }
export interface At { type: 'position'; at: string }
export type Word = Init | Told | Ended | At

export const INIT = 0, FRAGMENT = 1, AUDIO = 2
const HEAD = 9
/** `wall` is unix ms of the first sample. */
export interface Chunk { kind: number; wall: number; body: Uint8Array<ArrayBuffer> }

export function readWord(text: string): Word | null {
  try {
    const found = JSON.parse(text) as Partial<Word> | null
    return found && typeof found.type === 'string' ? (found as Word) : null
  } catch { return null }
}

export function readChunk(data: ArrayBuffer): Chunk | null {
  if (data.byteLength <= HEAD) return null
  const view = new DataView(data)
  return { kind: view.getUint8(0), wall: view.getFloat64(1), body: new Uint8Array(data, HEAD) }
}

export const wordsOf = (told: { zh?: string; en?: string }): Said | null => (told.zh && told.en ? { zh: told.zh, en: told.en } : null)

/** Where four letters name a box; bounded, for what is sought stands near the front. */
function boxAt(bytes: Uint8Array, name: string, within: number): number {
  const [a, b, c, d] = [...name].map((each) => each.charCodeAt(0))
  const last = Math.min(bytes.length - 4, within)
  for (let at = 4; at <= last; at++) if (bytes[at] === a && bytes[at + 1] === b && bytes[at + 2] === c && bytes[at + 3] === d) return at + 4
  return -1
}
const NEAR = 4096
const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** Ticks in a second, as the init segment's media header says; 90 000 where it says nothing. */
export function timescale(init: Uint8Array): number {
  const at = boxAt(init, 'mdhd', NEAR)
  if (at < 0 || at + 24 > init.length) return 90_000
  const view = viewOf(init)
  return view.getUint32(at + (view.getUint8(at) === 1 ? 20 : 12)) || 90_000
}

/** The decode time a fragment begins at, in ticks; null where it tells none. */
export function decodeTime(fragment: Uint8Array): number | null {
  const at = boxAt(fragment, 'tfdt', NEAR)
  if (at < 0) return null
  const view = viewOf(fragment), wide = view.getUint8(at) === 1
  if (at + (wide ? 12 : 8) > fragment.length) return null
  return wide ? Number(view.getBigUint64(at + 4)) : view.getUint32(at + 4)
}
