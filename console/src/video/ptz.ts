/** Hands on the camera: keys and boxes drawn on the picture become instructions. Pure. */
import type { Instruction } from '@/api/video'

export const SLOW = 96, QUICK = 255
export interface Point { x: number; y: number }
export interface Frame { width: number; height: number }
export interface Zoom { scale: number; x: number; y: number }
export const WHOLE: Zoom = { scale: 1, x: 0, y: 0 }
const MOST_ZOOM = 8
const LEAST_BOX = 0.02

const WAYS: Record<string, Partial<Record<'pan' | 'tilt' | 'zoom', 1 | -1>>> = {
  ArrowLeft: { pan: -1 }, ArrowRight: { pan: 1 }, ArrowUp: { tilt: 1 }, ArrowDown: { tilt: -1 }, '+': { zoom: 1 }, '=': { zoom: 1 }, '-': { zoom: -1 }, PageUp: { zoom: 1 }, PageDown: { zoom: -1 },
}
export const isWay = (key: string): boolean => key in WAYS

/** What the keys held down together ask for; nothing held stops. Tilt is positive upwards. */
export function moved(held: Iterable<string>, quick: boolean): Instruction {
  const speed = quick ? QUICK : SLOW
  let pan = 0, tilt = 0, zoom = 0
  for (const each of held) {
    const way = WAYS[each]
    pan += way?.pan ?? 0
    tilt += way?.tilt ?? 0
    zoom += way?.zoom ?? 0
  }
  return { act: 'move', pan: Math.sign(pan) * speed, tilt: Math.sign(tilt) * speed, zoom: Math.sign(zoom) * speed }
}
export const STOP: Instruction = { act: 'move', pan: 0, tilt: 0, zoom: 0 }

/** Where a picture of such a shape lies within its pane, not stretched. */
export function fitted(pane: Frame, picture: Frame): Frame & Point {
  const scale = Math.min(pane.width / picture.width, pane.height / picture.height)
  const width = picture.width * scale, height = picture.height * scale
  return { x: (pane.width - width) / 2, y: (pane.height - height) / 2, width, height }
}

/** A point of the pane as a part of the picture, 0..1, through the digital zoom. */
export function inPicture(at: Point, pane: Frame, picture: Frame, zoom: Zoom): Point {
  const place = fitted(pane, picture)
  const clamp = (value: number) => Math.min(1, Math.max(0, value))
  return { x: clamp(((at.x - zoom.x) / zoom.scale - place.x) / place.width), y: clamp(((at.y - zoom.y) / zoom.scale - place.y) / place.height) }
}

/** A box drawn down to the right brings it near; drawn the other way, the picture goes back by as much. */
export function boxed(from: Point, to: Point): Instruction | null {
  const width = Math.abs(to.x - from.x), height = Math.abs(to.y - from.y)
  if (width < LEAST_BOX || height < LEAST_BOX) return null
  const round = (value: number) => Math.round(value * 10_000) / 10_000
  return { act: to.x >= from.x ? 'drag_in' : 'drag_out', box: [round(Math.min(from.x, to.x)), round(Math.min(from.y, to.y)), round(width), round(height)] }
}

/** Turn the wheel over a point: it stays where it is, and the picture never leaves its pane. */
export function wheeled(zoom: Zoom, at: Point, factor: number, pane: Frame): Zoom {
  const scale = Math.min(MOST_ZOOM, Math.max(1, zoom.scale * factor))
  if (scale === 1) return WHOLE
  const turn = scale / zoom.scale
  return held({ scale, x: at.x - (at.x - zoom.x) * turn, y: at.y - (at.y - zoom.y) * turn }, pane)
}
export const shifted = (zoom: Zoom, dx: number, dy: number, pane: Frame): Zoom => held({ ...zoom, x: zoom.x + dx, y: zoom.y + dy }, pane)
const held = ({ scale, x, y }: Zoom, pane: Frame): Zoom => ({ scale, x: Math.min(0, Math.max(pane.width * (1 - scale), x)), y: Math.min(0, Math.max(pane.height * (1 - scale), y)) })

/** `P` and a digit, in time. */
export class PresetKeys {
  private begun = -Infinity
  constructor(private readonly now: () => number = () => Date.now()) {}
  /** The preset asked for; null while nothing is, 'begun' after the P. */
  press(key: string): number | 'begun' | null {
    if (key.toLowerCase() === 'p') { this.begun = this.now(); return 'begun' }
    const inTime = this.now() - this.begun < 2_000
    this.begun = -Infinity
    return inTime && /^[0-9]$/.test(key) ? (key === '0' ? 10 : Number(key)) : null
  }
}
