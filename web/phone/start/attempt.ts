// One attempt to start a machine, from the press to what the platform says: kept over reloads, so that a double tap, a lost
// answer and a reopened page are the same attempt under one Idempotency-Key. Refuses to begin by itself: a hand pressed.
import { api, type Outcome, type Problem, type Shapes } from '@shared/client'
import { ask } from '../frame/ask'
import { drawer } from '../frame/drawer'

type Unlock = Shapes['Unlock']

export interface Attempt {
  plate: string
  key: string
  /** When a hand pressed last, by this phone's clock. */
  pressed_at: number
  /** The permission, once there is one. */
  unlock: Unlock | null
  /** The platform's no. */
  refused: Problem | null
  refused_at: number | null
  /** How long the answer took. */
  took_ms: number | null
  /** The checks have been shown to the end. */
  shown: boolean
  /** Nothing more will come of it. */
  over: boolean
}

/** A press is meant for now: one that could not be sent for so long starts nothing when the link comes back. */
export const PRESS_HOLDS_MS = 60_000

const box = drawer<Attempt>('session', 'attempt')

/** The attempt for this machine that this tab knows. */
export function attemptOf(plate: string): Attempt | null {
  const kept = box.read()
  return kept?.plate === plate ? kept : null
}

/** A new attempt, or the one that is still under way: pressing twice is pressing once. */
export function begin(plate: string): Attempt {
  const kept = attemptOf(plate)
  const pressed_at = Date.now()
  if (kept && !kept.over) return note({ ...kept, pressed_at })
  return note({ plate, key: newKey(), pressed_at, unlock: null, refused: null, refused_at: null, took_ms: null, shown: false, over: false })
}

/** Whether the press still stands. */
export function isFresh(attempt: Attempt): boolean {
  return Math.abs(Date.now() - attempt.pressed_at) < PRESS_HOLDS_MS
}

export function note(attempt: Attempt): Attempt {
  box.keep(attempt)
  return attempt
}

/** Another person, or a permission that is not ours: nothing of it stays in this tab. */
export function forgetAttempt(): void {
  box.empty()
}

/** Sends it; the same attempt may be sent again until it is answered. */
export function send(attempt: Attempt): Promise<Outcome<Unlock>> {
  const header = { 'Idempotency-Key': attempt.key }
  return ask((signal) => api.POST('/api/v1/unlocks', { params: { header }, body: { plate: attempt.plate }, signal }))
}

function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
