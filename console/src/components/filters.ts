/** Filters of a list live in the address bar, so that a view can be sent to a colleague. */
export interface Filter {
  key: string
  label: string
  kind: 'text' | 'select' | 'time' | 'place' | 'flag'
  options?: { value: string; label: string }[]
  width?: string
}
export type Chosen = Record<string, string>

/** Take from the address what these filters know; everything else in it belongs to somebody else. */
export function chosenIn(query: Record<string, unknown>, filters: readonly Filter[]): Chosen {
  const known = filters.map((each) => [each.key, query[each.key]] as const)
  return Object.fromEntries(known.filter((pair): pair is readonly [string, string] => typeof pair[1] === 'string' && pair[1] !== ''))
}

/** The address after a filter changed: an empty value leaves it. */
export function withFilter(query: Record<string, unknown>, key: string, value: string | null | undefined | boolean): Record<string, unknown> {
  const rest = Object.fromEntries(Object.entries(query).filter(([known]) => known !== key))
  const text = value === true ? 'true' : value === false ? '' : (value ?? '').trim()
  return text ? { ...rest, [key]: text } : rest
}

export function withoutFilters(query: Record<string, unknown>, filters: readonly Filter[]): Record<string, unknown> {
  const ours = new Set(filters.map((each) => each.key))
  return Object.fromEntries(Object.entries(query).filter(([key]) => !ours.has(key)))
}
