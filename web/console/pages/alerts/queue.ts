// Which alerts stand in the queue, in which order: by tab and filter, those with a clock first by time left, notices and findings
// of the past apart. Pure but for the words of a kind.
import type { Shapes } from '@shared/client'
import { byTimeLeft, dueOf } from '../../components/due'

type Alert = Shapes['Alert']

export const TABS = ['mine', 'all', 'closed'] as const
export type Tab = (typeof TABS)[number]

export interface Filter {
  level: string
  code: string
  plate: string
  /** The codes of the chosen division and all below it; null: no filter. */
  divisions: Set<string> | null
}

export interface Groups {
  clocked: Alert[]
  notices: Alert[]
  history: Alert[]
}

/** Mine: nobody has signed, or I did. */
export const mine = (alert: Alert, me: string): boolean => alert.state === 'open' || alert.acknowledged_by === `officer:${me}`

export function passes(alert: Alert, filter: Filter): boolean {
  return (
    (filter.level === '' || String(alert.level) === filter.level) && (filter.code === '' || alert.code === filter.code) &&
    (filter.plate === '' || alert.plate === filter.plate) && (filter.divisions === null || (alert.division !== null && filter.divisions.has(alert.division)))
  )
}

export function grouped(alerts: Alert[], now: number): Groups {
  const newest = (a: Alert, b: Alert) => b.raised_at.localeCompare(a.raised_at) || a.id.localeCompare(b.id)
  const current = alerts.filter((one) => !one.historical)
  return {
    clocked: current.filter((one) => dueOf(one, now) !== null).sort(byTimeLeft(now)),
    notices: current.filter((one) => dueOf(one, now) === null).sort(newest),
    history: alerts.filter((one) => one.historical).sort(newest),
  }
}
