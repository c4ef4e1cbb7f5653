export interface Difference { field: string; before: string; after: string }

const QUIET = new Set(['version', 'updated_at', 'home_node', 'place_path', 'site_id'])
const text = (value: unknown): string => (value === null || value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value))

function flat(body: Record<string, unknown>, under = ''): Record<string, string> {
  return Object.assign({}, ...Object.entries(body).filter(([key]) => under || !QUIET.has(key)).map(([key, value]) =>
    value && typeof value === 'object' && !Array.isArray(value) ? flat(value as Record<string, unknown>, `${under}${key}.`) : { [under + key]: text(value) })) as Record<string, string>
}

/** What a person would call a change between two versions of one thing. */
export function differences(before: Record<string, unknown> = {}, after: Record<string, unknown> = {}): Difference[] {
  const [old, now] = [flat(before), flat(after)]
  const fields = [...new Set([...Object.keys(old), ...Object.keys(now)])].sort()
  return fields.filter((each) => (old[each] ?? '') !== (now[each] ?? '')).map((field) => ({ field, before: old[field] ?? '', after: now[field] ?? '' }))
}
