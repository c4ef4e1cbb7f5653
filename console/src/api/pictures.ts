import type { Picture } from './vehicles'
import { address } from './client'

type Ticketed = Pick<Picture, 'blob_id' | 'ticket'>
export const pictureUrl = (of: Ticketed) => address(`/api/pictures/${encodeURIComponent(of.blob_id)}`, { ticket: of.ticket })
export const thumbnailUrl = (of: Ticketed) => address(`/api/pictures/${encodeURIComponent(of.blob_id)}`, { ticket: of.ticket, thumbnail: true })

/** Views of a vehicle from the whole to the part; what shows the whole stands first. */
const ORDER = ['01', '09', '08', '14', '12', '10', '11', '100', '02', '03', '06', '04', '05']
const rank = (type: string) => { const at = ORDER.indexOf(type); return at < 0 ? ORDER.length : at }
export const ordered = <T extends { type: string }>(pictures: readonly T[]): T[] => [...pictures].sort((a, b) => rank(a.type) - rank(b.type))
