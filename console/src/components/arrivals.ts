/** Rows that come by push while a list is open: on top at once, held back while somebody reads. Pure, but for its timer. */
export const MOST_ROWS = 50
/** So long after the pointer last moved over a list, its rows stay where they are: nobody shall click what slid under the hand. */
export const REST_MS = 4_000

/** `fresh` (oldest first) above `rows`, each once; `cut` where the oldest had to go. */
export function above<T>(rows: readonly T[], fresh: readonly T[], key: (row: T) => unknown, most = MOST_ROWS): { rows: T[]; cut: boolean } {
  const known = new Set(rows.map(key))
  const added = fresh.filter((each) => !known.has(key(each)) && known.add(key(each))).reverse()
  const all = [...added, ...rows]
  return { rows: all.slice(0, most), cut: all.length > most }
}

export interface List<T> {
  /** Put these above what is shown, oldest first; some may have been left out: `missed`. */
  show(fresh: readonly T[], missed: boolean): void
  /** How many wait. */
  waiting(count: number): void
  /** The list is scrolled away from its newest row. */
  away(): boolean
}

/** Rows that come faster than a page is drawn are drawn together. */
export const nextFrame = (then: () => void) => requestAnimationFrame(then)

/** Hands arrivals to a list once a frame, or keeps the newest of them until its reader looks up. */
export class Arrivals<T> {
  private held: T[] = []
  private count = 0
  private restsAt = -Infinity
  private timer: ReturnType<typeof setTimeout> | undefined
  private asked = false

  constructor(
    private readonly list: List<T>, private readonly later: (then: () => void) => void, private readonly now: () => number = () => performance.now(),
  ) {}

  take(fresh: readonly T[]): void {
    if (!fresh.length) return
    this.held = [...this.held, ...fresh].slice(-MOST_ROWS)
    this.count += fresh.length
    if (this.asked) return
    this.asked = true
    this.later(() => { this.asked = false; this.settle() })
  }
  /** The pointer moved over the list. */
  touched(): void {
    this.restsAt = this.now() + REST_MS
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.settle(), REST_MS + 10)
  }
  /** Show what waits if nobody reads; call it also when the list was scrolled. */
  settle(): void {
    if (this.count && !this.list.away() && this.now() >= this.restsAt) this.release()
    else this.list.waiting(this.count)
  }
  release(): void {
    const { held, count } = this
    this.forget()
    this.list.show(held, count > held.length)
  }
  /** The list was loaded anew: whatever waited is in it. */
  forget(): void {
    this.held = []
    this.count = 0
    this.restsAt = -Infinity
    clearTimeout(this.timer)
    this.list.waiting(0)
  }
}
