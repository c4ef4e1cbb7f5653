import { get, page, patch, post } from './client'

export type PlaceKind = 'city' | 'county' | 'street' | 'community' | 'grid' | 'site' | 'area' | 'building' | 'unit' | 'floor' | 'room' | 'gate' | 'lane'
/** Of a 小区: when it was built, how it is closed, and how many live there. */
export interface Profile {
  era?: 'new' | 'built'; form?: 'closed' | 'open'; households?: number | null; buildings?: number | null; built_year?: number | null
  parking?: number | null; manager?: string; phone?: string
}
export interface Place {
  id: string; parent_id?: string | null; kind: string; name: string; code?: string | null; place_path?: string; site_id?: string
  jurisdiction?: string; profile?: Profile; longitude?: number | null; latitude?: number | null; sort?: number
  devices_online?: number; devices_total?: number; open_alarms?: number; home_node?: string; version?: number
  children?: Place[]
}
export interface PlaceVersion { version: number; at: string; by_name: string; body: Record<string, unknown> }
export interface Jurisdiction { code: string; name: string; home_node?: string; version?: number }
export interface PlaceForm {
  parent_id?: string | null; kind?: string; name?: string; code?: string; jurisdiction?: string; profile?: Profile
  longitude?: number | null; latitude?: number | null; sort?: number; version?: number
}

const one = (id: string) => `/api/places/${encodeURIComponent(id)}`

/** All places the caller may see, parents before children. */
export async function flat(): Promise<Place[]> {
  const found = await get<Place[] | { items: Place[] }>('/api/places/tree')
  return Array.isArray(found) ? found : found.items
}
export const tree = async (): Promise<Place[]> => nest(await flat())
/** Children are hung under their parents in the order given; who cannot see a parent sees its child as a root. */
export function nest(list: Place[]): Place[] {
  const byId = new Map(list.map((each) => [each.id, { ...each, children: [] as Place[] }]))
  const roots: Place[] = []
  for (const each of byId.values()) {
    const parent = each.parent_id ? byId.get(each.parent_id) : undefined
    ;(parent?.children ?? roots).push(each)
  }
  return roots
}
/** With the places above it by name, also those the caller may not see by themselves. */
export const find = (id: string) => get<Place & { above?: { id: string; kind: string; name: string }[] }>(one(id))
export const create = (body: PlaceForm) => post<Place>('/api/places', body)
export const change = (id: string, body: PlaceForm) => patch<Place>(one(id), body)
export const retire = (id: string, note: string) => post<null>(`${one(id)}/retire`, { note })
export const history = (id: string) => page<PlaceVersion>(`${one(id)}/history`)
export const jurisdictions = () => page<Jurisdiction>('/api/jurisdictions')
export const addJurisdiction = (body: Pick<Jurisdiction, 'code' | 'name'>) => post<Jurisdiction>('/api/jurisdictions', body)
export const changeJurisdiction = (code: string, name: string) => patch<Jurisdiction>(`/api/jurisdictions/${encodeURIComponent(code)}`, { name })
