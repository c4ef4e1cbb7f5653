export interface Sample { at: number; delay: number | null; backlog: number }

const MOST = 720
const kept = new Map<string, Sample[]>()

/** Remember how a link stood; what is older than ``MOST`` samples is forgotten. */
export function sample(link: string, next: Sample): Sample[] {
  const before = kept.get(link) ?? []
  const after = before.at(-1)?.at === next.at ? before : [...before, next].slice(-MOST)
  kept.set(link, after)
  return after
}

export function forget(): void { kept.clear() }

/** An SVG path through ``values`` in a box; a hole where there was no value. ``most`` is the top of the box. */
export function path(values: (number | null)[], width: number, height: number, most: number): string {
  const step = values.length > 1 ? width / (values.length - 1) : 0
  let pen = 'M'
  return values.map((value, index) => {
    if (value === null) { pen = 'M'; return '' }
    const point = `${pen}${(index * step).toFixed(1)} ${(height - (Math.min(value, most) / (most || 1)) * height).toFixed(1)}`
    pen = 'L'
    return point
  }).join('')
}

/** Sixteen hex digits at a glance: people compare fingerprints four by four. */
export function grouped(fingerprint: string): string {
  return (fingerprint.replace(/[^0-9a-z]/gi, '').match(/.{1,4}/g) ?? []).join(' ')
}
