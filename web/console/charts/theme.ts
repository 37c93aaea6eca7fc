// Charts in the page's colours, read from the tokens as they are now: call again after `theme` changes. Order ink, teal, blue,
// ochre, each with its own dash. Refuses to connect gaps: they are hatched, because unknown must not look like a value.
import type uPlot from 'uplot'
import { token } from '@shared/theme'

export interface Ink {
  ink: string
  faint: string
  line: string
  grid: string
  panel: string
  work: string
  late: string
  idle: string
  alert: string
  series: [string, string, string, string]
  font: string
}

/** One dash a series, so that lines differ without their colours. */
export const DASHES: [number[], number[], number[], number[]] = [[], [6, 4], [2, 3], [8, 3, 2, 3]]

export function chartInk(): Ink {
  return {
    ink: token('--wg-ink'),
    faint: token('--wg-ink-3'),
    line: token('--wg-line-2'),
    grid: token('--wg-grid'),
    panel: token('--wg-panel'),
    work: token('--wg-work'),
    late: token('--wg-late'),
    idle: token('--wg-idle'),
    alert: token('--wg-l1'),
    series: [token('--wg-c1'), token('--wg-c2'), token('--wg-c3'), token('--wg-c4')],
    font: `12px ${token('--wg-font')}`,
  }
}

/** What all uPlot charts share: time below, values from zero, hairline grid, no legend of its own. */
export function uplotOptions(ink: Ink, width: number, height: number): Omit<uPlot.Options, 'series'> {
  const axis = { stroke: ink.faint, font: ink.font, ticks: { show: false }, grid: { stroke: ink.grid, width: 1 } }
  return {
    width,
    height,
    legend: { show: false },
    cursor: { points: { size: 6, fill: ink.ink } },
    scales: { y: { range: (_chart, _low, high) => [0, high > 0 ? high * 1.1 : 1] } },
    axes: [{ ...axis, grid: { show: false }, values: TIMES }, { ...axis, size: 44 }],
  }
}

// uPlot's own forms of times are the American ones.
const TIMES: uPlot.Axis.Values = (_chart, splits, _at, _space, step) =>
  splits.map((at) => {
    const when = new Date(at * 1000)
    const [month, day, hour, minute, second] = [when.getMonth() + 1, when.getDate(), when.getHours(), when.getMinutes(), when.getSeconds()].map(
      (part) => String(part).padStart(2, '0'),
    )
    if (step >= 86_400) return `${month}-${day}`
    if (hour === '00' && minute === '00' && step >= 3_600) return `${month}-${day}`
    return step < 60 ? `${hour}:${minute}:${second}` : `${hour}:${minute}`
  })

/** A pattern of 45° strokes, for `fillStyle`. */
export function hatch(context: CanvasRenderingContext2D, colour: string): CanvasPattern {
  const size = 6 * devicePixelRatio
  const tile = document.createElement('canvas')
  tile.width = tile.height = size
  const pen = tile.getContext('2d')!
  pen.strokeStyle = colour
  pen.lineWidth = devicePixelRatio
  for (const shift of [-size, 0, size]) {
    pen.moveTo(shift, size)
    pen.lineTo(shift + size, 0)
  }
  pen.stroke()
  return context.createPattern(tile, 'repeat')!
}

/** Hatches spans of x (seconds) over the whole height of a uPlot chart. */
export function gaps(ink: Ink, spans: () => [from: number, to: number][]): uPlot.Plugin {
  const draw = (chart: uPlot) => {
    const { ctx, bbox } = chart
    ctx.save()
    ctx.beginPath()
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height)
    ctx.clip()
    ctx.fillStyle = hatch(ctx, ink.line)
    for (const [from, to] of spans()) {
      const [start, end] = [chart.valToPos(from, 'x', true), chart.valToPos(to, 'x', true)]
      ctx.fillRect(start, bbox.top, Math.max(1, end - start), bbox.height)
    }
    ctx.restore()
  }
  return { hooks: { drawClear: draw } }
}

/** A theme for `echarts.init(element, echartsTheme(chartInk()))`. */
export function echartsTheme(ink: Ink): object {
  const axis = {
    axisLine: { lineStyle: { color: ink.line } },
    axisTick: { show: false },
    axisLabel: { color: ink.faint, fontSize: 12 },
    splitLine: { lineStyle: { color: ink.grid } },
  }
  return {
    color: ink.series,
    backgroundColor: 'transparent',
    textStyle: { fontFamily: token('--wg-font'), color: ink.ink },
    animation: false,
    categoryAxis: axis,
    valueAxis: axis,
    timeAxis: axis,
    tooltip: { backgroundColor: token('--wg-raised'), borderColor: token('--wg-line'), textStyle: { color: ink.ink } },
    aria: { enabled: true, decal: { show: true } },
  }
}
