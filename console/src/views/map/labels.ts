import type { Point } from './plane'

export interface Label { text: string; at: Point; rank: number }
interface Box { left: number; right: number; top: number; bottom: number }

const overlaps = (a: Box, b: Box): boolean => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom

/** About how many pixels a text takes: Chinese letters are as wide as they are high. */
export const width = (text: string, size: number): number => [...text].reduce((sum, c) => sum + (c.charCodeAt(0) > 0x2e80 ? size : size * 0.6), 0)

/** Names that fit without covering one another; a city's name goes before a village's. */
export function readable<T extends Label>(labels: readonly T[], font: (rank: number) => number, taken: readonly Box[] = []): T[] {
  const boxes = [...taken]
  return [...labels].sort((a, b) => a.rank - b.rank).filter(({ text, at, rank }) => {
    const size = font(rank), wide = width(text, size)
    const box = { left: at.x - 6, right: at.x + wide + 10, top: at.y - size * 0.7, bottom: at.y + size * 0.7 }
    if (boxes.some((each) => overlaps(each, box))) return false
    boxes.push(box)
    return true
  })
}
