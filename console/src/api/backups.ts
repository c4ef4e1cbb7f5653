import { get, post } from './client'
import type { Job } from './jobs'

export interface Trial { at: string; ok: boolean; code: string; message: string }
/** A backup that cannot be read has `code` and `message` and nothing else. */
export interface Backup {
  name: string; bytes: number; trial: Trial | null; made_at?: string; program?: string; schema?: string; node?: string
  tables?: number; rows?: number; files?: number; file_bytes?: number; missing?: number; elsewhere?: number; code?: string; message?: string
}
export interface Backups { items: Backup[]; next: null; folder: string; free_bytes: number; needed_bytes: number; same_disk: boolean }
export interface Outcome { name: string; ok?: boolean; code?: string; message?: string; tables?: number; rows?: number; files?: number; missing?: number; elsewhere?: number }

export const list = () => get<Backups>('/api/backups')
export const make = (passphrase: string) => post<Job<Outcome>>('/api/backups', { passphrase })
export const test = (name: string, passphrase: string) => post<Job<Outcome>>(`/api/backups/${encodeURIComponent(name)}/test`, { passphrase })
