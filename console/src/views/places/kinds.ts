/** From the city down to the room; gates and lanes stand beside buildings. */
export const KINDS = ['city', 'county', 'street', 'community', 'grid', 'site', 'area', 'building', 'unit', 'floor', 'room', 'gate', 'lane'] as const
export type Kind = (typeof KINDS)[number]

const BELOW: Record<Kind, Kind[]> = {
  city: ['county'],
  county: ['street'],
  street: ['community'],
  community: ['grid', 'site'],
  grid: ['site'],
  site: ['area', 'building', 'gate'],
  area: ['building', 'gate', 'lane'],
  building: ['unit', 'floor', 'room', 'gate'],
  unit: ['floor', 'room', 'gate'],
  floor: ['room'],
  room: [],
  gate: ['lane'],
  lane: [],
}

/** Kinds that may stand under ``kind``; without one, what a tree may begin with. */
export function kindsUnder(kind: string | null): Kind[] {
  return kind === null ? ['city', 'county'] : (BELOW[kind as Kind] ?? [])
}

/** Digits the administrative code of a kind has; 0 where Anju makes the id itself. */
export function codeLength(kind: string): number {
  return { city: 6, county: 6, street: 9, community: 12 }[kind] ?? 0
}
