import type { EChartsCoreOption } from 'echarts/core'

import type { Bar } from '@/api/statistics'
import type { Stacked } from './series'

const TYPE = 14, CROWDED = 60

export interface Drawn { names: string[]; at: string[]; colours: (string | null)[] }

/** Kinds have no colour of their own: quiet ones that no level and no state wears, readable on both grounds. */
const QUIET = ['#5b7fc7', '#9a6fb5', '#3f9488', '#a3803f', '#78849a', '#b8688a', '#6d9148', '#4f8fb0'] as const

/** Kinds, or labels, from the most frequent to the rarest. */
export function frequent(bars: readonly Bar[], of: 'kind' | 'label' = 'kind'): string[] {
  const sums = new Map<string, number>()
  for (const each of bars) sums.set(each[of] ?? '', (sums.get(each[of] ?? '') ?? 0) + each.count)
  return [...sums].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([kind]) => kind)
}

/** Stacked bars: levels wear their own colour; a line of the ground between two parts keeps them apart. */
export function bars(data: Stacked, drawn: Drawn, colour: (token: string) => string): EChartsCoreOption {
  return {
    grid: { left: 12, right: 12, top: 44, bottom: 8, containLabel: true },
    legend: { top: 4, left: 0, type: 'scroll', textStyle: { color: colour('text'), fontSize: TYPE }, pageTextStyle: { color: colour('text') }, pageIconColor: colour('text') },
    tooltip: { trigger: 'axis', axisPointer: { type: 'shadow' }, backgroundColor: colour('raised'), borderColor: colour('line-strong'), textStyle: { color: colour('text'), fontSize: TYPE } },
    xAxis: { type: 'category', data: drawn.at, axisLabel: { color: colour('muted'), fontSize: TYPE, hideOverlap: true }, axisLine: { lineStyle: { color: colour('line-strong') } }, axisTick: { show: false } },
    yAxis: { type: 'value', minInterval: 1, axisLabel: { color: colour('muted'), fontSize: TYPE }, splitLine: { lineStyle: { color: colour('line') } } },
    series: data.stacks.map((each, index) => {
      const own = drawn.colours[index]
      return {
        name: drawn.names[index], type: 'bar', stack: 'all', data: each.counts.map((count) => count || null), barMaxWidth: 40, cursor: 'pointer',
        itemStyle: { color: own ? colour(own) : QUIET[index % QUIET.length], borderColor: colour('panel'), borderWidth: drawn.at.length > CROWDED ? 0 : 1 },
      }
    }),
  }
}
