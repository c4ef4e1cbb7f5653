/** Which wall clock a moment of the media time line shows, and back. Pure; bounded. */
interface Mark { media: number; wall: number }
const MOST = 4_000
/** A step this small between the two clocks is jitter of one stretch, not the beginning of another. */
const SAME_MS = 40

export class Walls {
  private marks: Mark[] = []
  /** The media time up to which something is known. */
  end = 0

  /** `media` in seconds of a sample, `wall` in unix ms of the same. */
  note(media: number, wall: number): void {
    this.end = Math.max(this.end, media)
    const last = this.marks.at(-1)
    if (last && media < last.media) { this.marks = this.marks.filter((each) => each.media < media); this.note(media, wall); return }
    if (last && Math.abs(last.wall + (media - last.media) * 1000 - wall) < SAME_MS && media - last.media < 1) return
    this.marks.push({ media, wall })
    if (this.marks.length > MOST) this.marks.splice(0, MOST / 4)
  }

  clear(): void { this.marks = []; this.end = 0 }

  /** Unix ms shown at media time `media`; null before anything came. */
  wallAt(media: number): number | null {
    const mark = this.before(media) ?? this.marks[0]
    return mark ? mark.wall + (media - mark.media) * 1000 : null
  }

  /** The media second that shows `wall`; null where none does, or nothing that late came yet. */
  mediaAt(wall: number): number | null {
    for (let at = this.marks.length - 1; at >= 0; at--) {
      const mark = this.marks[at] as Mark
      if (mark.wall > wall) continue
      const media = mark.media + (wall - mark.wall) / 1000
      const next = this.marks[at + 1]?.media ?? this.end
      return media <= next + 0.001 ? media : null
    }
    return null
  }

  /** The first moment after `wall` that something shows; null where nothing does. */
  next(wall: number): { media: number; wall: number } | null { return this.marks.find((each) => each.wall > wall) ?? null }

  private before(media: number): Mark | undefined {
    let low = 0, high = this.marks.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.marks[middle] as Mark).media <= media + 1e-6) low = middle + 1
      else high = middle
    }
    return this.marks[low - 1]
  }
}
