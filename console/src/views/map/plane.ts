/** WGS-84 degrees to a flat sheet and back (Web Mercator), and the window through which the sheet is seen. */
export interface Spot { longitude: number; latitude: number }
export interface Point { x: number; y: number }
/** ``scale`` is pixels per unit of the sheet; the sheet is 1 wide round the whole earth. */
export interface Window { x: number; y: number; scale: number }
export interface Size { width: number; height: number }

export const CLOSEST = 2 ** 26
export const WIDEST = 2 ** 12
const EARTH_M = 40_075_016.686

export function toSheet({ longitude, latitude }: Spot): Point {
  const sine = Math.sin((Math.max(-85, Math.min(85, latitude)) * Math.PI) / 180)
  return { x: longitude / 360 + 0.5, y: 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI) }
}

export function toEarth({ x, y }: Point): Spot {
  return { longitude: (x - 0.5) * 360, latitude: (Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) * 180) / Math.PI }
}

export function toScreen(spot: Spot, window: Window, size: Size): Point {
  const { x, y } = toSheet(spot)
  return { x: (x - window.x) * window.scale + size.width / 2, y: (y - window.y) * window.scale + size.height / 2 }
}

/** The window that shows all ``spots`` with a margin; one spot alone is seen from about 10 km. */
export function fit(spots: Spot[], size: Size, margin = 60): Window {
  const points = spots.map(toSheet)
  if (!points.length) return { ...toSheet({ longitude: 105.823, latitude: 32.442 }), scale: 2 ** 17 }
  const xs = points.map((each) => each.x), ys = points.map((each) => each.y)
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)]
  const room = { width: Math.max(80, size.width - 2 * margin), height: Math.max(80, size.height - 2 * margin) }
  const scale = Math.min(room.width / Math.max(right - left, 1e-9), room.height / Math.max(bottom - top, 1e-9), 2 ** 21)
  return { x: (left + right) / 2, y: (top + bottom) / 2, scale: bounded(scale) }
}

const bounded = (scale: number): number => Math.max(WIDEST, Math.min(CLOSEST, scale))

/** Zoom by ``factor`` so that what lies under ``at`` (pixels) stays there. */
export function zoom(window: Window, factor: number, size: Size, at: Point = { x: size.width / 2, y: size.height / 2 }): Window {
  const scale = bounded(window.scale * factor)
  const [dx, dy] = [at.x - size.width / 2, at.y - size.height / 2]
  return { x: window.x + dx / window.scale - dx / scale, y: window.y + dy / window.scale - dy / scale, scale }
}

export function pan(window: Window, dx: number, dy: number): Window {
  return { ...window, x: window.x - dx / window.scale, y: Math.max(0, Math.min(1, window.y - dy / window.scale)) }
}

/** The longest round length that fits into ``pixels``, in metres, and how many pixels it takes here. */
export function scaleBar(window: Window, pixels = 140): { metres: number; pixels: number } {
  const perPixel = (EARTH_M * Math.cos((toEarth(window).latitude * Math.PI) / 180)) / window.scale
  const most = perPixel * pixels, power = 10 ** Math.floor(Math.log10(most))
  const metres = power * (most >= 5 * power ? 5 : most >= 2 * power ? 2 : 1)
  return { metres, pixels: metres / perPixel }
}

/** Meridians or parallels a round number of degrees apart, at most seven in view. */
export function lines(from: number, to: number): number[] {
  const step = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30].find((each) => (to - from) / each <= 6) ?? 30
  const first = Math.ceil(from / step)
  return Array.from({ length: Math.max(0, Math.floor(to / step) - first + 1) }, (_, index) => Number(((first + index) * step).toFixed(3)))
}
