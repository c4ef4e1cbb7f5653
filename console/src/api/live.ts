import type { Alarm, Change, Upper } from './types'

export interface Status { at: string; links: Upper | null; counters: Record<string, number>; last_event_at: string | null; database: 'ok' | 'away' }
export type LiveMessage =
  | { type: 'hello'; token: string; rights: string; node: unknown; at: string }
  | { type: 'changes'; token: string; changes: Change[] }
  | ({ type: 'status' } & Status)
  | { type: 'reset'; reason: string }
  | { type: 'unsaved'; alarm: Alarm }
  | { type: 'closing'; reason: string }

export interface LiveEvents {
  changes(changes: Change[]): void
  status(status: Status): void
  unsaved(alarm: Alarm): void
  /** Whoever sits here may do other things than when the line was last open. */
  rights(): void
  /** What was missed cannot be replayed: load again. */
  reset(reason: string): void
  state(up: boolean, reason: string): void
}

export interface Socket {
  onopen: ((event: Event) => void) | null
  onmessage: ((event: MessageEvent) => void) | null
  onclose: ((event: CloseEvent) => void) | null
  close(): void
}

const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 8_000
/** The server tells its status every 5 s: silence for longer means a dead line that nobody closed. */
export const SILENCE_MS = 15_000

/** The live push: reconnects for ever, resumes where it stopped, says when it could not. */
export class LiveLink {
  private token = ''
  private rights = ''
  private socket: Socket | null = null
  private wait = FIRST_WAIT_MS
  private timer: ReturnType<typeof setTimeout> | undefined
  private wanted = false
  private reason = ''
  private heardAt = 0

  constructor(
    private readonly events: LiveEvents,
    private readonly open: (url: string) => Socket = (url) => new WebSocket(url),
    private readonly now: () => number = () => Date.now(),
    private readonly base = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/api/live`,
  ) {}

  start(): void { if (!this.wanted) { this.wanted = true; this.connect() } }

  stop(): void {
    this.wanted = false
    clearTimeout(this.timer)
    this.socket?.close()
    this.socket = null
    this.token = ''
  }

  /** Give a silent line up and connect again; call it now and then. */
  check(): void {
    const silent = this.socket
    if (!silent || this.now() - this.heardAt < SILENCE_MS) return
    this.reason = 'silent'
    this.retry()
    silent.close()
  }

  private connect(): void {
    const socket = this.open(this.token ? `${this.base}?resume=${encodeURIComponent(this.token)}` : this.base)
    this.socket = socket
    this.heardAt = this.now()
    socket.onmessage = (event) => { if (socket === this.socket) this.take(JSON.parse(String(event.data)) as LiveMessage) }
    socket.onclose = () => { if (socket === this.socket) this.retry() }
  }

  private retry(): void {
    this.socket = null
    this.events.state(false, this.reason)
    if (!this.wanted) return
    this.timer = setTimeout(() => this.connect(), this.wait)
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT_MS)
  }

  private take(message: LiveMessage): void {
    this.heardAt = this.now()
    switch (message.type) {
      case 'hello':
        // A first connection may have missed what changed between the page's load and now.
        if (!this.token) this.events.reset('first')
        this.token = message.token
        if (this.rights && this.rights !== message.rights) this.events.rights()
        this.rights = message.rights
        this.wait = FIRST_WAIT_MS
        this.reason = ''
        this.events.state(true, '')
        break
      case 'changes': this.token = message.token; this.events.changes(message.changes); break
      case 'status': this.events.status(message); break
      case 'unsaved': this.events.unsaved(message.alarm); break
      case 'reset': this.token = ''; this.events.reset(message.reason); break
      case 'closing':
        this.reason = message.reason
        // What was shown under other rights is loaded anew.
        if (message.reason === 'rights_changed') this.token = ''
        break
    }
  }
}
