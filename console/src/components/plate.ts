/** Which ground a plate wears and how it is written, by GA 36. */
export type Ground = 'blue' | 'yellow' | 'white' | 'black' | 'green' | 'large' | 'plain'

/** By GA/T 1400's ColorType, and by word. */
const BY_COLOUR: Record<string, Ground> = {
  '1': 'black', '2': 'white', '5': 'blue', '6': 'yellow', '9': 'green', black: 'black', white: 'white', blue: 'blue', yellow: 'yellow', green: 'green', yellow_green: 'large',
}
const LARGE_NEW_ENERGY = '51', SMALL_NEW_ENERGY = '52'
const LARGE_FORM = /^.[A-Z]\d{5}[A-HJK]$/, SMALL_FORM = /^.[A-Z][A-HJK][A-Z0-9]\d{4}$/
const ORDINARY = /^[\u4e00-\u9fff][A-Z][A-Z0-9-]/

export function ground(plate: string, color = '', plateClass = ''): Ground {
  if (plateClass === LARGE_NEW_ENERGY || LARGE_FORM.test(plate)) return 'large'
  const told = BY_COLOUR[color]
  if (told) return told
  return plateClass === SMALL_NEW_ENERGY || SMALL_FORM.test(plate) ? 'green' : 'plain'
}

/** The place it is from and its serial: a dot stands between them where there is one on the metal. */
export function parted(plate: string): { from: string; serial: string } {
  return ORDINARY.test(plate) ? { from: plate.slice(0, 2), serial: plate.slice(2) } : { from: '', serial: plate }
}
