// The span that a time line shows, within the whole: moved, nearer, farther. Pure. Refuses to leave the whole.
import { ms, type Span, type Timeline } from './trace'

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

const HOUR_MS = 3_600_000

/** The full hours of a day in which anything was heard, two at least; the whole day where nothing was. */
export function hoursOf(line: Timeline, whole: Span): Span {
  const said = [...line.telemetry, ...line.events].map((one) => ms(one.at))
  if (said.length === 0) return whole
  const first = Math.floor((said.reduce((a, b) => Math.min(a, b)) - whole.from) / HOUR_MS)
  const last = Math.max(first + 2, Math.ceil((said.reduce((a, b) => Math.max(a, b)) - whole.from) / HOUR_MS))
  return kept({ from: whole.from + first * HOUR_MS, to: whole.from + last * HOUR_MS }, whole)
}

export const same = (a: Span, b: Span): boolean => a.from === b.from && a.to === b.to
