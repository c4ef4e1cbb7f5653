/** A number of bytes for people: `1.5 TB`. */
const UNITS = ['B', 'KB', 'MB', 'GB', 'TB', 'PB']
export function bytes(count: number): string {
  let value = count, unit = 0
  while (value >= 1000 && unit < UNITS.length - 1) { value /= 1000; unit++ }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`
}
