import { get, page, patch, post, remove } from './client'
import type { Row } from './types'

export interface Place { id: string; name: string; kind: string; parent_id?: string | null; code?: string | null; path?: string; children?: Place[] }
export async function tree(): Promise<Place[]> {
  const found = await get<Place[] | { items: Place[] } | Place>('/api/places/tree')
  const list = Array.isArray(found) ? found : 'items' in found ? found.items : [found]
  return list.some((each) => each.children) ? list : nest(list)
}
/** The server may send the tree flat; children are hung under their parents in the order given. */
export function nest(flat: Place[]): Place[] {
  const byId = new Map(flat.map((each) => [each.id, { ...each, children: [] as Place[] }]))
  const roots: Place[] = []
  for (const each of byId.values()) {
    const parent = each.parent_id ? byId.get(each.parent_id) : undefined
    ;(parent?.children ?? roots).push(each)
  }
  return roots
}
export const create = (body: unknown) => post<Place>('/api/places', body)
export const change = (id: string, body: unknown) => patch<Place>(`/api/places/${encodeURIComponent(id)}`, body)
export const drop = (id: string) => remove<null>(`/api/places/${encodeURIComponent(id)}`)
export const history = (id: string) => page<Row>(`/api/places/${encodeURIComponent(id)}/history`)
export const jurisdictions = () => page<Row>('/api/jurisdictions')
export const sites = () => page<Row>('/api/sites')
