/** Steps on alarms, one after the other: three fast keys must arrive in their order, also at a tier below. */
import type { Alarm } from '@/api/types'
import type { Instruction } from '@/api/alarms'

export type Action =
  | 'acknowledge' | 'take_over' | 'join' | 'handle' | 'finding' | 'note' | 'close' | 'undo_close' | 'review' | 'shelve' | 'unshelve'
export interface Sent { action: Action; version: number; command: string; at: number }
export type Answer = Alarm | { state: 'sent'; command_id: string } | null
export const SENT_WAIT_MS = 30_000

export interface StepPort {
  act(id: string, action: Action, how: Instruction): Promise<Answer>
  version(id: string): number
  take(alarm: Alarm): void
  /** A step went down to the node that raised the alarm; null when its outcome is known. */
  sent(id: string, sent: Sent | null): void
  refused(id: string, action: Action, error: unknown): void
}

interface Waiting { sent: Sent; done: (arrived: boolean) => void; timer: ReturnType<typeof setTimeout> }

export class Steps {
  private readonly chains = new Map<string, Promise<boolean>>()
  private readonly waiting = new Map<string, Waiting>()

  constructor(private readonly port: StepPort) {}

  /** Resolves to whether it was done; what follows a refused step of the same burst is not tried. */
  do(id: string, action: Action, how: Instruction = {}): Promise<boolean> {
    const before = this.chains.get(id) ?? Promise.resolve(true)
    const mine = before.then((went) => (went ? this.send(id, action, how) : false))
    this.chains.set(id, mine)
    void mine.finally(() => { if (this.chains.get(id) === mine) this.chains.delete(id) })
    return mine
  }

  /** The alarm came back in a newer version: what was sent has arrived. */
  arrived(id: string, version: number): void {
    const waits = this.waiting.get(id)
    if (waits && version > waits.sent.version) this.settle(id, true)
  }

  /** The command's own outcome came back. */
  ended(command: string, state: string, outcome: string): void {
    const found = [...this.waiting].find(([, each]) => each.sent.command === command)
    if (!found || (state !== 'refused' && state !== 'unknown')) return
    const [id, { sent }] = found
    this.settle(id, false)
    this.port.refused(id, sent.action, { state, outcome, action: sent.action })
  }

  private async send(id: string, action: Action, how: Instruction): Promise<boolean> {
    const version = this.port.version(id)
    try {
      const answer = await this.port.act(id, action, how)
      if (answer && 'command_id' in answer) return await this.wait(id, { action, version, command: answer.command_id, at: Date.now() })
      if (answer) this.port.take(answer as Alarm)
      return true
    } catch (error) {
      this.port.refused(id, action, error)
      return false
    }
  }

  private wait(id: string, sent: Sent): Promise<boolean> {
    if (this.port.version(id) > sent.version) return Promise.resolve(true)
    this.port.sent(id, sent)
    return new Promise((done) => {
      const timer = setTimeout(() => { this.settle(id, false); this.port.refused(id, sent.action, { state: 'unknown', outcome: 'no_answer', action: sent.action }) }, SENT_WAIT_MS)
      this.waiting.set(id, { sent, done, timer })
    })
  }

  private settle(id: string, arrived: boolean): void {
    const waits = this.waiting.get(id)
    if (!waits) return
    clearTimeout(waits.timer)
    this.waiting.delete(id)
    this.port.sent(id, null)
    waits.done(arrived)
  }
}
