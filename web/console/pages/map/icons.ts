// What stands on the map, drawn to canvas at 2x from the shared shapes and the tokens as they are now: circles of the ratio
// classes with their ring, looks of machines, pins. Refuses a sprite: names say what to draw.
import { drawing, paint, type ShapeName } from '@shared/shapes'
import { LOOKS } from '@shared/states'
import { token } from '@shared/theme'
import type { Look } from '../../stores/live'

export const PIXEL_RATIO = 2
const LOOK_PX = 18
const PIN_PX: Record<string, number> = { 1: 22, 2: 15 }
const HALO_PX = 2
/** The ring inside a circle repeats its class without colour. */
const RINGS: number[][] = [[], [1, 3], [3, 3], [6, 2], []]

/** `ratio-2-17`, `look-arcing` or `pin-1`; null for a name that is none of ours. */
export function icon(name: string): ImageData | null {
  const [kind, first, second] = name.split('-')
  if (kind === 'ratio') return circle(Number(first), Number(second))
  if (kind === 'look' && first! in LOOKS) return shape(LOOKS[first as Look].shape, LOOK_PX)
  if (kind === 'pin' && first! in PIN_PX) return shape(first === '1' ? 'l1' : 'l2', PIN_PX[first!]!)
  return null
}

function sheet(px: number): CanvasRenderingContext2D {
  const canvas = document.createElement('canvas')
  canvas.width = canvas.height = Math.ceil(px) * PIXEL_RATIO
  const pen = canvas.getContext('2d', { willReadFrequently: true })!
  pen.scale(PIXEL_RATIO, PIXEL_RATIO)
  return pen
}

const taken = (pen: CanvasRenderingContext2D) => pen.getImageData(0, 0, pen.canvas.width, pen.canvas.height)

function circle(ratio: number, radius: number): ImageData {
  const side = 2 * radius + 2
  const pen = sheet(side)
  const disc = (r: number) => {
    pen.beginPath()
    pen.arc(side / 2, side / 2, r, 0, 2 * Math.PI)
  }
  disc(radius)
  pen.fillStyle = token(`--wg-r${ratio}`)
  pen.fill()
  pen.strokeStyle = token(ratio === 0 ? '--wg-map-line-2' : '--wg-ink-3')
  pen.globalAlpha = ratio === 0 ? 0.9 : 0.55
  pen.stroke()
  if (ratio > 0) {
    pen.globalAlpha = 0.6
    pen.setLineDash(RINGS[ratio]!)
    disc(radius - 2.5)
    pen.stroke()
  }
  return taken(pen)
}

// A shape on a halo of the panel's colour, so that it stands on anything.
function shape(name: ShapeName, px: number): ImageData {
  const { hue, parts, ...words } = drawing(name)
  const side = px + 2 * HALO_PX
  const pen = sheet(side)
  pen.translate(HALO_PX, HALO_PX)
  pen.scale(px / 20, px / 20)
  pen.lineJoin = 'round'
  halo(pen, new Path2D(parts[0]!.d), (2 * HALO_PX * 20) / px)
  for (const part of parts) {
    const path = new Path2D(part.d)
    pen.setLineDash(part.dash?.split(' ').map(Number) ?? [])
    if (part.fill) {
      pen.fillStyle = token(paint(hue, part.fill))
      pen.fill(path)
    }
    if (part.stroke) {
      pen.strokeStyle = token(paint(hue, part.stroke))
      pen.lineWidth = part.width ?? 1
      pen.stroke(path)
    }
  }
  if (words.numeral) {
    pen.fillStyle = token(paint(hue, 'on'))
    pen.font = `700 11.5px ${token('--wg-font')}`
    pen.textAlign = 'center'
    pen.fillText(words.numeral, 10, 14 + (words.numeralY ?? 0))
  }
  return taken(pen)
}

function halo(pen: CanvasRenderingContext2D, outline: Path2D, width: number): void {
  pen.fillStyle = pen.strokeStyle = token('--wg-panel')
  pen.lineWidth = width
  pen.stroke(outline)
  pen.fill(outline)
}
