import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { LiveLink, type LiveEvents, type Socket } from '@/api/live'

class Line implements Socket {
  onopen = null
  onmessage: ((event: MessageEvent) => void) | null = null
  onclose: ((event: CloseEvent) => void) | null = null
  constructor(readonly url: string) {}
  close(): void { this.onclose?.({} as CloseEvent) }
  say(message: unknown): void { this.onmessage?.({ data: JSON.stringify(message) } as MessageEvent) }
}

beforeEach(() => { vi.useFakeTimers() })
afterEach(() => { vi.useRealTimers() })

function lab() {
  const lines: Line[] = [], told: string[] = []
  const events: LiveEvents = {
    changes: (changes) => told.push(`changes ${changes.length}`), status: () => told.push('status'), unsaved: () => told.push('unsaved'), rights: () => told.push('rights'),
    reset: (reason) => told.push(`reset ${reason}`), state: (up, reason) => told.push(up ? 'up' : `down ${reason}`.trim()),
  }
  const link = new LiveLink(events, (url) => { const line = new Line(url); lines.push(line); return line }, () => Date.now(), 'ws://here/api/live')
  return { link, lines, told }
}

test('a broken line resumes from the last token', () => {
  const { link, lines, told } = lab()
  link.start()
  lines[0]?.say({ type: 'hello', token: 't1' })
  lines[0]?.say({ type: 'changes', token: 't2', changes: [] })
  lines[0]?.close()
  vi.advanceTimersByTime(500)
  expect(lines[1]?.url).toBe('ws://here/api/live?resume=t2')
  lines[1]?.say({ type: 'hello', token: 't2' })
  expect(told).toEqual(['reset first', 'up', 'changes 0', 'down', 'up'])
})

test('a line closed because rights changed begins anew: nothing seen under the old ones is kept', () => {
  const { link, lines, told } = lab()
  link.start()
  lines[0]?.say({ type: 'hello', token: 't1', rights: 'a' })
  lines[0]?.say({ type: 'closing', reason: 'rights_changed' })
  lines[0]?.close()
  vi.advanceTimersByTime(500)
  expect(lines[1]?.url).toBe('ws://here/api/live')
  lines[1]?.say({ type: 'hello', token: 't2', rights: 'b' })
  expect(told).toEqual(['reset first', 'up', 'down rights_changed', 'reset first', 'rights', 'up'])
})

test('reset forgets the token and asks for a reload', () => {
  const { link, lines, told } = lab()
  link.start()
  lines[0]?.say({ type: 'hello', token: 't1' })
  lines[0]?.say({ type: 'reset', reason: 'too old' })
  lines[0]?.say({ type: 'closing', reason: 'session ended' })
  lines[0]?.close()
  vi.advanceTimersByTime(500)
  expect(lines[1]?.url).toBe('ws://here/api/live')
  expect(told).toEqual(['reset first', 'up', 'reset too old', 'down session ended'])
})

test('stop stays stopped', () => {
  const { link, lines } = lab()
  link.start()
  link.stop()
  vi.advanceTimersByTime(60_000)
  expect(lines).toHaveLength(1)
})

test('a line silent for 15 s is given up and resumed', () => {
  const { link, lines, told } = lab()
  link.start()
  lines[0]?.say({ type: 'hello', token: 't1' })
  vi.advanceTimersByTime(14_000)
  link.check()
  expect(told).toEqual(['reset first', 'up'])
  vi.advanceTimersByTime(1_000)
  link.check()
  vi.advanceTimersByTime(500)
  expect(told).toEqual(['reset first', 'up', 'down silent'])
  expect(lines[1]?.url).toBe('ws://here/api/live?resume=t1')
})
