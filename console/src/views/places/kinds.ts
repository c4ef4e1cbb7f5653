/** From the city down to the room; gates and lanes stand beside buildings. */
export const KINDS = ['city', 'county', 'street', 'community', 'grid', 'site', 'area', 'building', 'unit', 'floor', 'room', 'gate', 'lane'] as const
export type Kind = (typeof KINDS)[number]

const ABOVE: Record<Kind, Kind[]> = {
  city: [],
  county: ['city'],
  street: ['county'],
  community: ['street'],
  grid: ['community'],
  site: ['grid', 'community', 'street', 'county'],
  area: ['site', 'area'],
  building: ['site', 'area'],
  unit: ['building'],
  floor: ['unit', 'building'],
  room: ['floor', 'unit', 'building'],
  gate: ['site', 'area', 'building', 'unit'],
  lane: ['gate'],
}

/** Kinds that may stand under ``kind``; without one, what a tree begins with. */
export function kindsUnder(kind: string | null): Kind[] {
  return KINDS.filter((each) => (kind === null ? !ABOVE[each].length : ABOVE[each].includes(kind as Kind)))
}

/** Digits the administrative code of a kind has; 0 where Anju makes the id itself. */
export function codeLength(kind: string): number {
  return { city: 6, county: 6, street: 9, community: 12 }[kind] ?? 0
}
