// The span that a time line shows, within the whole: moved, nearer, farther. Pure. Refuses to leave the whole.
import type { Span } from './trace'

/** Two messages of ten seconds must fit. */
const LEAST_MS = 20_000

export function moved(now: Span, whole: Span, part: number): Span {
  const by = (now.to - now.from) * part
  return kept({ from: now.from + by, to: now.to + by }, whole)
}

export function nearer(now: Span, whole: Span, factor: number): Span {
  const middle = (now.from + now.to) / 2
  const half = Math.max(LEAST_MS, (now.to - now.from) * factor) / 2
  return kept({ from: middle - half, to: middle + half }, whole)
}

/** As long as it was, but inside; the whole where it is longer. */
export function kept(now: Span, whole: Span): Span {
  const long = now.to - now.from
  if (long >= whole.to - whole.from) return whole
  const from = Math.min(Math.max(now.from, whole.from), whole.to - long)
  return { from, to: from + long }
}

/** The first moment of a day YYYY-MM-DD where people are, and of the next one. */
export function dayOf(date: string): Span {
  const [year, month, day] = date.split('-').map(Number) as [number, number, number]
  return { from: new Date(year, month - 1, day).getTime(), to: new Date(year, month - 1, day + 1).getTime() }
}
