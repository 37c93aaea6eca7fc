// What the dial's centre may say now: how far the last word may still be believed. Pure. Refuses to call an old reading the
// present one: it keeps the figure and says its time.
import type { Shapes } from '@shared/client'
import { arcTime, span } from '@shared/figures'
import type { ShapeName } from '@shared/shapes'

type Unlock = Shapes['Unlock']

/** Chips speak every 10 s while unlocked, and our stream looks as often: above twice that together it is old. */
const OLD_MS = 40_000
/** Below this the chip counts no arc. */
const ARC_A = 15

export type Link = 'fresh' | 'phone_lost' | 'machine_lost'

export function linkOf(unlock: Unlock, linked: boolean, now: number): Link {
  if (!linked) return 'phone_lost'
  if (unlock.online === false) return 'machine_lost'
  return unlock.heard_at !== null && now - Date.parse(unlock.heard_at) > OLD_MS ? 'machine_lost' : 'fresh'
}

export type Doing = 'arcing' | 'paused' | 'unlocked'

/** What the machine does by its own last word; the contact is closed, or this page would not be shown. */
export function doingOf(unlock: Unlock): Doing {
  if (unlock.reported === 'arcing') return 'arcing'
  return (unlock.arc_ms ?? 0) > 0 ? 'paused' : 'unlocked'
}

export const DOING_SHAPES: Record<Doing, ShapeName> = {
  arcing: 'arcing',
  paused: 'paused',
  unlocked: 'unlocked',
}

/** The current, or null where it is unknown or from before the arc began or ended: state and reading come apart. */
export function readingOf(unlock: Unlock): number | null {
  if (unlock.current_a === null) return null
  const current_a = Math.round(Math.abs(unlock.current_a))
  return (doingOf(unlock) === 'arcing') === current_a >= ARC_A ? current_a : null
}

/** Arc time as on the dial, h:mm; below a minute in seconds, or it would read as none. */
export function arcWord(ms: number): string {
  return ms > 0 && ms < 60_000 ? span(ms) : arcTime(ms)
}

/** Until the machine locks itself for want of an arc; null while one burns or nothing is known. */
export function idleLeftMs(unlock: Unlock, bursts: readonly Shapes['Burst'][], now: number): number | null {
  const last = bursts.at(-1)
  if (unlock.idle_lock_s === null || doingOf(unlock) === 'arcing' || (last && last.ended_at === null)) return null
  const since = last?.ended_at ?? unlock.closed_at
  return since === null ? null : Math.max(0, Date.parse(since) + unlock.idle_lock_s * 1000 - now)
}
