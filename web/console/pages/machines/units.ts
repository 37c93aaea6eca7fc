// Figures with their units as the machines' pages write them. Refuses a unit without a number: that is `—`.
import { arcTime, span } from '@shared/figures'

export const amps = (a: number | null | undefined): string => (a === null || a === undefined ? '—' : `${Math.round(a)} A`)

/** Arc time as h:mm; below a minute in seconds, so that a short arc is not 0:00. */
export function arcs(ms: number): string {
  if (ms <= 0) return '—'
  return ms < 60_000 ? span(ms) : arcTime(ms)
}
