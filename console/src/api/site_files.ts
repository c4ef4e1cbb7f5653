import { address, download, get, post, upload } from './client'
import type { Job } from './jobs'

export type Tally = Record<'add' | 'change' | 'retire', number>
/** `line` of a text file; `sheet`, `row` and `column` of a workbook. */
export interface Problem { line?: number; sheet?: string; row?: number; column?: string; heading?: string; section?: string; key: string; code: string; message: string }
export interface Difference {
  section: string; key: string; title: string; what: keyof Tally; line?: number; sheet?: string; row?: number
  fields: { name: string; before: unknown; after: unknown }[]
}
/** What an import would do; `left_out` needs rights this account lacks; `again` must be given their secrets anew. */
export interface Plan {
  ok: boolean; problems: Problem[]; counts: Record<string, Tally>; total: number; differences: Difference[]
  left_out: Record<string, Tally>; left_out_total: number; again: { id: string; name: string }[]
}
export interface Counts { counts: Record<string, number>; rows: number }
export interface TextImport { text: string; passphrase: string; retire: boolean; clone: boolean }

const TEXT = '/api/site-file', SHEETS = '/api/site-sheets'
export const textCounts = () => get<Counts>(`${TEXT}/counts`)
export const exportText = (passphrase: string) => download(`${TEXT}/export`, { passphrase })
export const checkText = (body: TextImport) => post<Plan>(`${TEXT}/check`, body)
export const importText = (body: TextImport) => post<Job<Plan>>(`${TEXT}/import`, body)
export const sheetCounts = () => get<Counts>(`${SHEETS}/counts`)
export const exportSheets = (empty: boolean) => download(address(`${SHEETS}/export.xlsx`, { empty }))
export const checkSheets = (file: File) => upload<Plan>(address(`${SHEETS}/check`, { name: file.name.slice(0, 100) }), file)
export const importSheets = (file: File) => upload<Job<Plan>>(address(`${SHEETS}/import`, { name: file.name.slice(0, 100) }), file)
