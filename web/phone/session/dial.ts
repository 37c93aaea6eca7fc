// The geometry of the dial: a ring of 260 degrees is the time window of the permission. Pure; 0 degrees is twelve o'clock.
import { clock } from '@shared/figures'
import { language } from '@shared/words'

export const CENTRE = { x: 180, y: 152 }
export const RING = { outer: 122, inner: 102 }
const SWEEP = 260
const MINUTE_MS = 60_000
const STEPS_MIN = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360]
const MOST_TICKS = 12
const MOST_LABELS = 5

export interface Window {
  from: number
  to: number
}

export function angleOf(at: number, window: Window): number {
  const share = (at - window.from) / Math.max(1, window.to - window.from)
  return Math.min(1, Math.max(0, share)) * SWEEP - SWEEP / 2
}

export function pointAt(degrees: number, radius: number): { x: number; y: number } {
  const turn = (degrees * Math.PI) / 180
  return { x: CENTRE.x + radius * Math.sin(turn), y: CENTRE.y - radius * Math.cos(turn) }
}

/** A piece of the ring; at least a degree, or a short burst would not be seen. */
export function piece(from: number, to: number, window: Window): string {
  const a = angleOf(from, window)
  const b = Math.min(SWEEP / 2, Math.max(angleOf(to, window), a + 1))
  const large = b - a > 180 ? 1 : 0
  const [p, q, r, s] = [pointAt(a, RING.outer), pointAt(b, RING.outer), pointAt(b, RING.inner), pointAt(a, RING.inner)]
  return (
    `M${xy(p)}A${RING.outer} ${RING.outer} 0 ${large} 1 ${xy(q)}` +
    `L${xy(r)}A${RING.inner} ${RING.inner} 0 ${large} 0 ${xy(s)}Z`
  )
}

/** A line across the ring. */
export function hand(at: number, window: Window, inner: number, outer: number) {
  const [a, b] = [pointAt(angleOf(at, window), inner), pointAt(angleOf(at, window), outer)]
  return { x1: a.x, y1: a.y, x2: b.x, y2: b.y }
}

/** Where a word stands beside the ring: further out at the sides, as words are wide. */
export function wordAt(degrees: number): { x: number; y: number } {
  return pointAt(degrees, RING.outer + 21 + 10 * Math.abs(Math.sin((degrees * Math.PI) / 180)))
}

export interface Tick {
  at: number
  label: string | null
}

/** Round times in the window; labelled where they stand clear of its ends and of the hand. */
export function ticksOf(window: Window, now: number): Tick[] {
  const span_min = (window.to - window.from) / MINUTE_MS
  const step_min = STEPS_MIN.find((step) => span_min / step <= MOST_TICKS) ?? 720
  const every = STEPS_MIN.find((step) => step % step_min === 0 && span_min / step <= MOST_LABELS) ?? 720
  const found: Tick[] = []
  const midnight = new Date(window.from).setHours(0, 0, 0, 0)
  for (let minute = step_min; ; minute += step_min) {
    const at = midnight + minute * MINUTE_MS
    if (at >= window.to) return found
    if (at <= window.from) continue
    found.push({ at, label: minute % every === 0 && clear(at, window, now) ? hourWord(at) : null })
  }
}

function clear(at: number, window: Window, now: number): boolean {
  const here = angleOf(at, window)
  return clearOfEnds(here) && Math.abs(here - angleOf(now, window)) > 16
}

/** Whether a word at this angle does not run into those at the two ends. */
export function clearOfEnds(degrees: number): boolean {
  return Math.abs(degrees) < SWEEP / 2 - 22
}

function hourWord(at: number): string {
  const date = new Date(at)
  return language.value === 'zh' && date.getMinutes() === 0 ? `${date.getHours()} 时` : clock(at)
}

function xy(point: { x: number; y: number }): string {
  return `${point.x.toFixed(2)} ${point.y.toFixed(2)}`
}
