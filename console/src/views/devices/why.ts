import type { Finding } from '@/api/devices'

export interface Wording { time(iso: string): string; every(seconds: number): string; offset(ms: number): string; key(value: 'encrypted' | 'clear'): string }

/** What one side of a finding says, in words: which field it is decides what a number means. */
export function shown(field: string, side: 'expected' | 'received', value: Finding['expected'], wording: Wording): string {
  if (value === null || value === undefined || value === '') return ''
  if (field === 'heard_at') return side === 'expected' ? wording.every(Number(value)) : wording.time(String(value))
  if (field === 'offset_ms') return wording.offset(Number(value))
  if (field === 'key' && (value === 'encrypted' || value === 'clear')) return wording.key(value)
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
