// When an alert must be signed for or closed, and the order that follows: the least time left first, those without a clock
// last. Pure: the time comes in.
import type { Shapes } from '@shared/client'

type Alert = Shapes['Alert']

export interface Due {
  step: 'sign' | 'close'
  leftMs: number
  /** What is left of the whole time, 1 to 0; 0 when it is over. */
  share: number
  /** Less than a quarter is left. */
  urgent: boolean
}

/** The clock that runs for an alert now; none for level 4, history and what is closed. */
export function dueOf(alert: Alert, now: number): Due | null {
  const step = alert.state === 'open' ? 'sign' : 'close'
  const by = step === 'sign' ? alert.sign_by : alert.close_by
  if (by === null || alert.state === 'closed') return null
  const end = Date.parse(by)
  const start = Date.parse(step === 'sign' ? alert.raised_at : (alert.acknowledged_at ?? alert.raised_at))
  const share = Math.min(1, Math.max(0, (end - now) / Math.max(1, end - start)))
  return { step, leftMs: end - now, share, urgent: share < 0.25 }
}

/** By time left, then by level; what has no clock stands at the end, the newest first. */
export function byTimeLeft(now: number): (a: Alert, b: Alert) => number {
  const left = (alert: Alert) => dueOf(alert, now)?.leftMs ?? Number.POSITIVE_INFINITY
  return (a, b) => {
    const [ours, theirs] = [left(a), left(b)]
    if (ours !== theirs) return ours - theirs
    return a.level - b.level || b.raised_at.localeCompare(a.raised_at) || a.id.localeCompare(b.id)
  }
}
