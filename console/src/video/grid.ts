/** Panes of the picture wall: their shapes, what stands in which, tours. Pure. */
export const SHAPES = [1, 4, 6, 8, 9, 16, 25] as const
export type Shape = (typeof SHAPES)[number]
/** Ids of channels by pane; null where a pane is free. */
export type Panes = readonly (string | null)[]
export interface Tour { channels: string[]; seconds: number; name: string }
export interface Wall { shape: Shape; panes: (string | null)[]; tour: Tour | null }
export interface Cell { column: number; row: number; span: number }
export const TOUR_SECONDS = [10, 20, 30, 60] as const

/** Columns of the grid under a shape: 6 and 8 have one large pane, the rest are squares. */
export const columns = (shape: Shape): number => ({ 1: 1, 4: 2, 6: 3, 8: 4, 9: 3, 16: 4, 25: 5 })[shape]
const large = (shape: Shape): number => ({ 6: 2, 8: 3 } as Partial<Record<Shape, number>>)[shape] ?? 1

export function cells(shape: Shape): Cell[] {
  const across = columns(shape), big = large(shape), found: Cell[] = [{ column: 1, row: 1, span: big }]
  for (let row = 1; row <= across; row++)
    for (let column = 1; column <= across; column++)
      if ((row > big || column > big) && found.length < shape) found.push({ column, row, span: 1 })
  return found
}

export const isShape = (value: unknown): value is Shape => SHAPES.includes(value as Shape)
/** Take another shape; pictures keep their order, and those that have no room any more are left out, free panes first. */
export function reshaped(panes: Panes, shape: Shape): (string | null)[] {
  const kept = panes.length > shape ? panes.filter((each) => each !== null).slice(0, shape) : [...panes]
  const fits = panes.slice(shape).every((each) => each === null) ? panes.slice(0, shape) : kept
  return Array.from({ length: shape }, (_, at) => fits[at] ?? null)
}

/** Put a channel into a pane; where it stands already, the two panes change places. */
export function put(panes: Panes, at: number, id: string | null): (string | null)[] {
  const from = id === null ? -1 : panes.indexOf(id)
  return panes.map((each, index) => (index === at ? id : index === from ? (panes[at] ?? null) : each))
}

/** Where the next picture goes: the chosen pane if it is free, the first free one, else the chosen one. */
export function nextPane(panes: Panes, chosen: number): number {
  if (panes[chosen] === null) return chosen
  const free = panes.indexOf(null)
  return free >= 0 ? free : Math.min(chosen, panes.length - 1)
}

/** What a tour shows at its `turn`th step. */
export function turned(tour: Tour, shape: Shape, turn: number): (string | null)[] {
  const pages = Math.max(1, Math.ceil(tour.channels.length / shape))
  const from = (turn % pages) * shape
  return Array.from({ length: shape }, (_, at) => tour.channels[from + at] ?? null)
}

/** What was kept at the server, mended where it is not what we would write. */
export function wallOf(body: unknown): Wall | null {
  const { shape, panes, tour } = (body ?? {}) as Partial<Wall>
  if (!isShape(shape) || !Array.isArray(panes)) return null
  const ids = panes.map((each) => (typeof each === 'string' && each ? each : null))
  const kept = tour && Array.isArray(tour.channels) && tour.channels.length ? { channels: tour.channels.filter(Boolean).map(String), seconds: Math.max(5, Number(tour.seconds) || 20), name: String(tour.name ?? '') } : null
  return { shape, panes: reshaped(ids, shape), tour: kept }
}
