import type { EChartsCoreOption } from 'echarts/core'

import type { Stacked } from './series'

export interface Drawn { names: string[]; at: string[]; colours: (string | null)[] }

/** Kinds have no colour of their own: shades of the accent and of grey, told apart by their order and the words beside. */
const SHADES = [1, 0.72, 0.5, 0.34, 0.22] as const
function shade(index: number, colour: (token: string) => string): { color: string; opacity: number } {
  return { color: colour(index % 2 ? 'muted' : 'accent'), opacity: SHADES[Math.floor(index / 2) % SHADES.length] ?? 1 }
}

/** Stacked bars: levels wear their own colour; a line of the ground between two parts keeps them apart. */
export function bars(data: Stacked, drawn: Drawn, colour: (token: string) => string): EChartsCoreOption {
  return {
    grid: { left: 12, right: 12, top: 44, bottom: 8, containLabel: true },
    legend: { top: 4, left: 0, type: 'scroll', textStyle: { color: colour('text') }, pageTextStyle: { color: colour('text') }, pageIconColor: colour('text') },
    tooltip: { trigger: 'axis', axisPointer: { type: 'shadow' }, backgroundColor: colour('raised'), borderColor: colour('line-strong'), textStyle: { color: colour('text') } },
    xAxis: { type: 'category', data: drawn.at, axisLabel: { color: colour('muted'), hideOverlap: true }, axisLine: { lineStyle: { color: colour('line-strong') } }, axisTick: { show: false } },
    yAxis: { type: 'value', minInterval: 1, axisLabel: { color: colour('muted') }, splitLine: { lineStyle: { color: colour('line') } } },
    series: data.stacks.map((each, index) => {
      const own = drawn.colours[index]
      return {
        name: drawn.names[index], type: 'bar', stack: 'all', data: each.counts, barMaxWidth: 40, cursor: 'pointer',
        itemStyle: { ...(own ? { color: colour(own) } : shade(index, colour)), borderColor: colour('panel'), borderWidth: 1 },
      }
    }),
  }
}
