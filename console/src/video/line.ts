/** The way to one stream: asks for a ticket, opens its socket, tries again with growing patience, rests while nobody looks. */
import { ApiError } from '@/api/client'
import type { Said } from '@/api/video'
import { backOff } from './chase'
import { readChunk, readWord, wordsOf, type Chunk, type Word } from './wire'

/** Why there is no picture: the server's code, and its words where it sent some. */
export interface Why { code: string; words: Said | null }
export interface LinePort {
  open(): Promise<{ url: string }>
  word(word: Word): void
  chunk(chunk: Chunk): void
  /** A new try begins. */
  begins(): void
  /** It broke off, or could not begin; with `final` nothing is tried any more. */
  broke(why: Why, final: boolean): void
  rests(): void
}
const FINAL = new Set(['forbidden', 'not_found', 'no_recording'])
const HIDDEN_MS = 4_000
/** So long a picture must have come for the next break to be the first one again. */
const SOUND_MS = 10_000

export class Line {
  private socket: WebSocket | null = null
  private attempt = 0
  private turn = 0
  private timer: ReturnType<typeof setTimeout> | undefined
  private hiding: ReturnType<typeof setTimeout> | undefined
  private openedAt = 0
  private wanted = false
  /** Why the server ended it, told just before it closes. */
  private ended: Why | null = null

  /** With `once` nothing is tried again by itself, nor rested. */
  constructor(private readonly port: LinePort, private readonly once = false) {}

  start(): void {
    if (this.wanted) return
    this.wanted = true
    this.attempt = 0
    if (!this.once) document.addEventListener('visibilitychange', this.seen)
    void this.go()
  }

  stop(): void {
    this.wanted = false
    document.removeEventListener('visibilitychange', this.seen)
    clearTimeout(this.hiding)
    this.cut()
  }

  /** Begin anew at once, e.g. for another grade. */
  again(): void { if (this.wanted) { this.cut(); this.attempt = 0; void this.go() } }

  get open(): boolean { return this.socket?.readyState === WebSocket.OPEN }
  send(word: object): void { if (this.open) this.socket?.send(JSON.stringify(word)) }

  private readonly seen = (): void => {
    clearTimeout(this.hiding)
    if (document.hidden) this.hiding = setTimeout(() => { this.cut(); this.port.rests() }, HIDDEN_MS)
    else if (!this.socket && this.wanted) this.again()
  }

  private cut(): void {
    this.turn++
    clearTimeout(this.timer)
    const old = this.socket
    this.socket = null
    old?.close()
  }

  private async go(): Promise<void> {
    const turn = ++this.turn
    this.ended = null
    this.port.begins()
    try {
      const { url } = await this.port.open()
      if (turn === this.turn) this.connect(url, turn)
    } catch (error) {
      if (turn === this.turn) this.lost(whyOf(error))
    }
  }

  private connect(url: string, turn: number): void {
    const socket = new WebSocket(socketUrl(url))
    socket.binaryType = 'arraybuffer'
    this.socket = socket
    socket.onopen = () => { this.openedAt = performance.now() }
    socket.onmessage = (event) => { if (turn === this.turn) this.heard(event.data as string | ArrayBuffer) }
    socket.onclose = () => { if (turn === this.turn) this.lost(this.ended ?? { code: 'media_away', words: null }) }
  }

  private heard(data: string | ArrayBuffer): void {
    if (typeof data === 'string') {
      const word = readWord(data)
      if (word?.type === 'end') this.ended = { code: word.code, words: wordsOf(word) }
      if (word) this.port.word(word)
      return
    }
    const chunk = readChunk(data)
    if (chunk) this.port.chunk(chunk)
  }

  private lost(why: Why): void {
    if (this.socket && performance.now() - this.openedAt > SOUND_MS && this.openedAt) this.attempt = 0
    this.cut()
    const final = this.once || FINAL.has(why.code)
    this.port.broke(why, final)
    if (!final && this.wanted && !document.hidden) this.timer = setTimeout(() => void this.go(), backOff(this.attempt++, Math.random()))
  }
}

function whyOf(error: unknown): Why {
  if (!(error instanceof ApiError)) return { code: 'media_away', words: null }
  const told = error.more as { zh?: string; en?: string }
  const code = error.status === 403 ? 'forbidden' : error.status === 404 ? 'not_found' : error.status === 0 ? 'unreachable' : error.code
  return { code, words: wordsOf(told) }
}

/** Tickets come with whole addresses or with such of this server. */
export function socketUrl(url: string): string {
  const whole = new URL(url, location.href)
  if (whole.protocol === 'http:') whole.protocol = 'ws:'
  if (whole.protocol === 'https:') whole.protocol = 'wss:'
  return whole.href
}
