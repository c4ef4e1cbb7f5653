const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'] as const

/** Bytes as people say them. */
export function sizeText(bytes: number): string {
  let value = bytes, unit = 0
  while (value >= 1024 && unit < UNITS.length - 1) { value /= 1024; unit++ }
  return `${value >= 100 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`
}
