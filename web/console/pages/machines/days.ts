// Days of one machine for the year's and the month's bars: arc time, of it late, and time that nobody knows. Pure but for
// `sessionsOf`, which asks. Refuses to spread a session over days: it counts on the day it was opened.
import { api, settle, type Shapes } from '@shared/client'
import { day } from '@shared/figures'
import { UNKNOWN_LEAST_MS, unknownMs, type Session } from '../sessions/session'

export type Scale = 'year' | 'month'

export interface Bar {
  date: string
  arcMs: number
  lateMs: number
  unknownMs: number
  sessions: number
  heard: boolean
}

/** The days of a scale up to and with `until`, the earliest first. */
export function datesOf(scale: Scale, until: string): string[] {
  const [year, month, last] = until.split('-').map(Number) as [number, number, number]
  const days = scale === 'year' ? 365 : 31
  return Array.from({ length: days }, (_, at) => day(new Date(year, month - 1, last - days + 1 + at)))
}

export function bars(dates: string[], days: Shapes['Day'][], sessions: Session[]): Bar[] {
  const byDate = new Map(days.map((one) => [one.day, one]))
  const late = new Map<string, number>()
  const unknown = new Map<string, number>()
  for (const one of sessions) {
    const on = day(one.opened_at)
    if (one.historical) late.set(on, (late.get(on) ?? 0) + one.arc_ms)
    if (unknownMs(one) >= UNKNOWN_LEAST_MS) unknown.set(on, (unknown.get(on) ?? 0) + unknownMs(one))
  }
  return dates.map((date) => {
    const found = byDate.get(date)
    const arcMs = found?.arc_ms ?? 0
    return {
      date, arcMs, lateMs: Math.min(arcMs, late.get(date) ?? 0), unknownMs: unknown.get(date) ?? 0,
      sessions: found?.sessions ?? 0, heard: (found?.messages ?? 0) > 0,
    }
  })
}

const PAGES = 5
export const MOST_SESSIONS = PAGES * 200

/** The sessions of a span, the newest first; at most MOST_SESSIONS. */
export async function sessionsOf(plate: string, since: string, until: string): Promise<{ sessions: Session[]; cut: boolean }> {
  const sessions: Session[] = []
  let after: string | undefined
  for (let page = 0; page < PAGES; page += 1) {
    const query = { plate, since, until, after, limit: 200 }
    const outcome = await settle<Shapes['SessionList']>(api.GET('/api/v1/sessions', { params: { query } }))
    if (outcome.kind !== 'ok') return { sessions, cut: false }
    sessions.push(...outcome.data.sessions)
    if (!outcome.data.next) return { sessions, cut: false }
    after = outcome.data.next
  }
  return { sessions, cut: true }
}
