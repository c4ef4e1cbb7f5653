/**
 * One picture: its way, its screen, its sound, and what there is to say about it.
 *
 * No work is done per frame beyond handing its bytes to the decoder: what is told, is told when it changes, figures once
 * a second.
 */
import type { Grade } from '@/api/video'
import { Line, type Why } from './line'
import { Screen, playable } from './screen'
import { Sound } from './sound'
import { AUDIO, wordsOf, type Chunk, type Word } from './wire'

export type Name = 'asking' | 'playing' | 'frozen' | 'failed' | 'resting' | 'ended'
/** `code` says why in a word of the server's; `since` is unix ms on this machine. */
export interface State { name: Name; why: Why | null; since: number }
export interface Figures { fps: number; latencyMs: number | null; dropped: number; frames: number; firstFrameMs: number | null; wall: number | null; bufferedS: number }
export interface Stream { codec: string; width: number; height: number; grade: Grade; audio: string | null }

export interface PlayerPort {
  open(grade: Grade): Promise<{ url: string }>
  state(state: State): void
  figures(figures: Figures): void
  stream(stream: Stream): void
  /** Where a recording is, where the server tells; unix ms. */
  position?(at: number): void
  /** The server's clock, unix ms. */
  now(): number
}
const TICK_MS = 200, FIGURES_EVERY = 5, FROZEN_MS = 3_000
/** What the decoder refuses twice so soon is asked for again only after a rest. */
const BROKEN_AGAIN_MS = 5_000
/** A recording was played to its end. */
const OVER = new Set(['finished', 'end', 'left'])

const running = new Set<Player>()
let ticker: ReturnType<typeof setInterval> | undefined
function tickAll(): void { for (const each of running) each.tick() }
function join(player: Player): void { running.add(player); ticker ??= setInterval(tickAll, TICK_MS) }
function leave(player: Player): void {
  running.delete(player)
  if (!running.size) { clearInterval(ticker); ticker = undefined }
}

export class Player {
  readonly sound = new Sound()
  readonly screen: Screen
  readonly line: Line
  state: State = { name: 'ended', why: null, since: 0 }
  /** The grade in force: the main one falls to the sub one where this browser cannot decode it. */
  private fallen = false
  private askedAt = 0
  private firstFrameMs: number | null = null
  private pictureAt = 0
  private lastTime = -1
  private ticks = 0
  private counted = { at: 0, frames: 0 }
  private stream: Stream | null = null
  private brokeAt = -Infinity
  private mending: ReturnType<typeof setTimeout> | undefined

  constructor(private readonly video: HTMLVideoElement, private grade: Grade, private readonly port: PlayerPort, readonly live = true, kept?: number) {
    this.screen = new Screen(video, live, { shown: () => this.shown(), broken: (error) => this.broken(error) }, kept)
    this.line = new Line({
      open: () => this.port.open(this.fallen ? 'sub' : this.grade),
      word: (word) => this.word(word), chunk: (chunk) => this.chunk(chunk),
      begins: () => { this.askedAt = performance.now(); this.firstFrameMs = null; if (this.state.name !== 'frozen') this.tell('asking', null) },
      broke: (why, final) => this.broke(why, final),
      rests: () => this.tell('resting', null),
    }, !live)
  }

  start(): void { join(this); this.line.start() }
  stop(): void { clearTimeout(this.mending); leave(this); this.line.stop(); void this.sound.switch(false); this.screen.close(); this.tell('ended', null) }

  /** The same once more, from a new beginning. */
  again(): void { this.line.stop(); this.line.start() }

  setGrade(grade: Grade): void {
    if (grade === this.grade) return
    this.grade = grade
    this.fallen = false
    this.line.again()
  }

  /** Go back within what is kept; returns how many seconds behind live the picture now is. */
  goBack(seconds: number): number {
    const { screen, video } = this
    if (!screen.end) return 0
    screen.back = true
    video.playbackRate = 1
    video.currentTime = Math.max(screen.start, Math.min(video.currentTime - seconds, screen.end))
    if (screen.end - video.currentTime < 0.5) { this.goLive(); return 0 }
    void video.play().catch(() => undefined)
    return screen.end - video.currentTime
  }

  goLive(): void {
    if (!this.screen.back) return
    this.screen.back = false
    this.screen.tick()
  }

  private word(word: Word): void {
    if (word.type === 'init') this.begin({ codec: word.codec, width: word.width, height: word.height, grade: word.grade, audio: word.audio }, word)
    else if (word.type === 'position') this.port.position?.(Date.parse(word.at))
    else if (word.type === 'state') this.told(word.code, wordsOf(word))
  }

  private told(code: string, words: Why['words']): void {
    if (code === 'playing' || code === 'paused') return
    if (!this.live && this.state.name !== 'asking') { if (code === 'finished') this.tell('ended', { code, words }); return }
    if (this.state.name === 'frozen' || this.state.name === 'playing') { if (code !== 'asking' && code !== 'waiting') this.tell('frozen', { code, words }); return }
    this.tell(code === 'asking' || code === 'waiting' ? 'asking' : 'failed', { code, words })
  }

  private begin(stream: Stream, word: Word & { type: 'init' }): void {
    if (playable(stream.codec)) {
      this.stream = stream
      this.port.stream(stream)
      this.screen.begin(word)
      return
    }
    this.line.send({ type: 'cannot', codec: stream.codec })
    if (stream.grade === 'main' && !this.fallen && this.live) { this.fallen = true; this.line.again(); return }
    this.line.stop()
    this.tell('failed', { code: 'cannot_play', words: null })
    this.port.stream(stream)
  }

  private chunk(chunk: Chunk): void {
    if (chunk.kind === AUDIO) { this.hear(chunk); return }
    this.pictureAt = performance.now()
    this.screen.take(chunk)
  }

  /** Sound may begin after the stream was described. */
  private hear(chunk: Chunk): void {
    if (this.stream && !this.stream.audio) { this.stream = { ...this.stream, audio: 'g711a' }; this.port.stream(this.stream) }
    if (!this.screen.back) this.sound.play(chunk.body)
  }

  private shown(): void {
    this.firstFrameMs = Math.round(performance.now() - this.askedAt)
    this.tell('playing', null)
    this.tellFigures()
  }

  private broken(error: unknown): void {
    console.warn('video', error)
    this.screen.clear()
    const now = performance.now(), soon = now - this.brokeAt < BROKEN_AGAIN_MS
    this.brokeAt = now
    if (this.live && !soon) { this.line.again(); return }
    this.tell('failed', { code: 'decoder', words: null })
    if (this.live) this.mending = setTimeout(() => this.line.again(), BROKEN_AGAIN_MS)
  }

  private broke(why: Why, final: boolean): void {
    const seen = this.screen.end > 0
    this.tell(!this.live && OVER.has(why.code) ? 'ended' : seen && !final ? 'frozen' : 'failed', why)
  }

  /** Called a few times a second by the one ticker of all pictures. */
  tick(): void {
    this.screen.tick()
    this.lookForFrozen()
    if (++this.ticks % FIGURES_EVERY === 0) this.tellFigures()
  }

  private lookForFrozen(): void {
    if (!this.live || this.screen.back || !this.screen.end) return
    const now = performance.now(), moves = this.video.currentTime !== this.lastTime
    if (moves) { this.lastTime = this.video.currentTime; this.movedAt = now }
    const still = now - Math.min(this.movedAt, this.pictureAt) > FROZEN_MS
    if (still && this.state.name === 'playing') this.tell('frozen', { code: 'stalled', words: null })
    if (!still && this.state.name === 'frozen') this.tell('playing', null)
  }
  private movedAt = 0

  private tellFigures(): void {
    const { totalVideoFrames: frames, droppedVideoFrames: dropped } = this.video.getVideoPlaybackQuality()
    const now = performance.now(), span = now - this.counted.at
    const fps = this.counted.at && span > 500 ? ((frames - this.counted.frames) * 1000) / span : 0
    if (span > 500) this.counted = { at: now, frames }
    const { wall } = this.screen
    this.port.figures({
      fps: Math.max(0, Math.round(fps * 10) / 10), frames, dropped, firstFrameMs: this.firstFrameMs, wall, bufferedS: this.screen.end - this.video.currentTime,
      latencyMs: wall === null || !this.live ? null : Math.round(this.port.now() - wall),
    })
  }

  private tell(name: Name, why: Why | null): void {
    if (this.state.name === name && this.state.why?.code === why?.code) return
    this.state = { name, why, since: Date.now() }
    this.port.state(this.state)
  }
}
