// What stands over and under a current chart besides its lines: hatched gaps with their length in words, the arc threshold as a
// dashed line, marks with a word, "now". uPlot plug-ins that read their data when drawn. Refuses to cover a value.
import type uPlot from 'uplot'
import { hatch, type Ink } from '../../charts/theme'
import { ARC_A, type Span } from './trace'

export interface Mark {
  at: number
  word: string
  /** On which side its word stands; left, where what it marks begins at it. */
  side?: 'left' | 'right'
}

export interface Overlay {
  gaps: () => (Span & { word: string })[]
  marks: () => Mark[]
  threshold: () => string
}

const PAD = 4

export function overlay(ink: Ink, what: Overlay): uPlot.Plugin {
  return { hooks: { drawClear: (chart) => under(chart, ink, what), draw: (chart) => over(chart, ink, what) } }
}

function under(chart: uPlot, ink: Ink, what: Overlay): void {
  within(chart, ink, (pen, { left, top, width, height }) => {
    const pattern = hatch(pen, ink.line)
    for (const gap of what.gaps()) {
      const [from, to] = [place(chart, gap.from), place(chart, gap.to)]
      if (to < left || from > left + width) continue
      const wide = Math.max(2 * devicePixelRatio, to - from)
      pen.fillStyle = pattern
      pen.fillRect(from, top, wide, height)
      pen.strokeStyle = ink.line
      pen.strokeRect(from, top, wide, height)
    }
  })
}

function over(chart: uPlot, ink: Ink, what: Overlay): void {
  within(chart, ink, (pen, box) => {
    threshold(chart, pen, ink, box, what.threshold())
    for (const gap of what.gaps()) {
      const [from, to] = [Math.max(place(chart, gap.from), box.left), Math.min(place(chart, gap.to), box.left + box.width)]
      const room = to - from
      if (pen.measureText(gap.word).width + 4 * PAD < Math.max(room, 0)) label(pen, ink, gap.word, (from + to) / 2, box.top + PAD, 'center')
    }
    for (const mark of what.marks()) line(chart, pen, ink, box, mark)
  })
}

function threshold(chart: uPlot, pen: CanvasRenderingContext2D, ink: Ink, box: uPlot.BBox, word: string): void {
  if (!word) return
  const y = chart.valToPos(ARC_A, 'y', true)
  pen.strokeStyle = ink.faint
  pen.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio])
  stroke(pen, box.left, y, box.left + box.width, y)
  pen.setLineDash([])
  pen.textBaseline = 'bottom'
  pen.textAlign = 'right'
  pen.fillStyle = ink.faint
  pen.fillText(word, box.left + box.width - PAD * devicePixelRatio, y - 2)
}

function line(chart: uPlot, pen: CanvasRenderingContext2D, ink: Ink, box: uPlot.BBox, mark: Mark): void {
  const x = place(chart, mark.at)
  if (x < box.left || x > box.left + box.width) return
  pen.strokeStyle = ink.ink
  stroke(pen, x, box.top, x, box.top + box.height)
  const wide = pen.measureText(mark.word).width + 4 * PAD
  const left = mark.side === 'right' ? x + wide > box.left + box.width : x - wide > box.left
  label(pen, ink, mark.word, x + (left ? -2 : 2) * PAD, box.top + PAD, left ? 'right' : 'left')
}

/** A word on its own ground, so that it is read over a hatch. */
function label(pen: CanvasRenderingContext2D, ink: Ink, word: string, x: number, y: number, align: 'left' | 'center' | 'right'): void {
  const wide = pen.measureText(word).width
  const from = align === 'center' ? x - wide / 2 : align === 'right' ? x - wide : x
  const tall = 16 * devicePixelRatio
  pen.fillStyle = ink.panel
  pen.fillRect(from - PAD, y, wide + 2 * PAD, tall)
  pen.fillStyle = ink.ink
  pen.textAlign = 'left'
  pen.textBaseline = 'middle'
  pen.fillText(word, from, y + tall / 2)
}

function within(chart: uPlot, ink: Ink, draw: (pen: CanvasRenderingContext2D, box: uPlot.BBox) => void): void {
  const { ctx, bbox } = chart
  ctx.save()
  ctx.beginPath()
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height)
  ctx.clip()
  ctx.lineWidth = devicePixelRatio
  ctx.font = ink.font.replace(/^\d+/, (size) => String(Number(size) * devicePixelRatio))
  draw(ctx, bbox)
  ctx.restore()
}

const place = (chart: uPlot, at: number): number => chart.valToPos(at / 1000, 'x', true)

function stroke(pen: CanvasRenderingContext2D, x0: number, y0: number, x1: number, y1: number): void {
  pen.beginPath()
  pen.moveTo(x0, y0)
  pen.lineTo(x1, y1)
  pen.stroke()
}
