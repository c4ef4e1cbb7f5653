import type { Picture } from './vehicles'
import { address, ApiError, get, post } from './client'

type Ticketed = Pick<Picture, 'blob_id' | 'ticket'>
/** A page shows what it showed before without asking; another number in `fresh` makes it ask. */
export const pictureUrl = (of: Ticketed, fresh = 0) => address(`/api/pictures/${encodeURIComponent(of.blob_id)}`, { ticket: of.ticket, fresh: fresh || null })
export const thumbnailUrl = (of: Ticketed, fresh = 0) => address(`/api/pictures/${encodeURIComponent(of.blob_id)}`, { ticket: of.ticket, thumbnail: true, fresh: fresh || null })

/** Why a picture cannot be shown; null where it can after all. */
export async function whyNot(of: Ticketed, small = false): Promise<ApiError | null> {
  try { await get(small ? thumbnailUrl(of) : pictureUrl(of)); return null } catch (problem) { return problem instanceof ApiError ? problem : new ApiError(0, 'unreachable', '') }
}

/** How a picture stands at the node that keeps it: kept as evidence by whom and why, erased when. */
export interface Evidence { locked: { reason: string; by: string; at: string } | null; erased_at: string | null }
const at = (of: Ticketed, what: string) => `/api/pictures/${encodeURIComponent(of.blob_id)}/${what}`
export const evidence = (of: Ticketed) => get<Evidence>(at(of, 'evidence'), { ticket: of.ticket })
/** `release` and `erase` ask for the password again. */
export const deed = (of: Ticketed, what: 'lock' | 'release' | 'erase', reason: string) => post<Evidence>(at(of, what), { ticket: of.ticket, reason })

/** Views of a vehicle from the whole to the part; what shows the whole stands first. */
const ORDER = ['01', '09', '08', '14', '12', '10', '11', '100', '02', '03', '06', '04', '05']
const rank = (type: string) => { const at = ORDER.indexOf(type); return at < 0 ? ORDER.length : at }
export const ordered = <T extends { type: string }>(pictures: readonly T[]): T[] => [...pictures].sort((a, b) => rank(a.type) - rank(b.type))
