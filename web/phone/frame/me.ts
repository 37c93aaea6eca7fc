// Who is signed in on this phone. The sign-in itself is a cookie that no script reads; kept here is only until when it lasts,
// so that the public pages ask nothing on behalf of nobody. Refuses to keep the name over a reload.
import { shallowRef } from 'vue'
import { api, type Outcome, type Shapes } from '@shared/client'
import { forget, keep, keptOf } from '../session/kept'
import { forgetAttempt } from '../start/attempt'
import { ask } from './ask'
import { drawer } from './drawer'
import { platformNow } from './now'

const until = drawer<string>('local', 'signed-in-until')

/** null: nobody, or not known yet. */
export const me = shallowRef<Shapes['Me'] | null>(null)

export function maybeSignedIn(): boolean {
  const end = until.read()
  return end !== null && Date.parse(end) > platformNow()
}

export function signedIn(expires_at: string): void {
  until.keep(expires_at)
}

/** Nobody is: what was kept of the session goes, too. */
export function signedOut(): void {
  until.empty()
  me.value = null
  forget()
}

let asking: Promise<Outcome<Shapes['Me']>> | null = null

/** Asks who we are, and finds the way back to a permission that is live. Each reading leaves a trace: one at a time. */
export function learnMe(): Promise<Outcome<Shapes['Me']>> {
  asking ??= askMe().finally(() => (asking = null))
  return asking
}

async function askMe(): Promise<Outcome<Shapes['Me']>> {
  const outcome = await ask((signal) => api.GET('/api/v1/me', { signal }))
  if (outcome.kind === 'no' && outcome.problem.error === 'signed_out') signedOut()
  if (outcome.kind !== 'ok') return outcome
  me.value = outcome.data
  until.keep(outcome.data.signed_in_until)
  if (outcome.data.unlock === null) forget()
  else if (!keptOf(outcome.data.unlock)) await fetchLive(outcome.data.unlock)
  return outcome
}

async function fetchLive(unlock: string): Promise<void> {
  const found = await ask((signal) => api.GET('/api/v1/unlocks/{unlock}', { params: { path: { unlock } }, signal }))
  if (found.kind === 'ok') keep({ unlock: found.data, bursts: [], told_at: platformNow() })
}

export async function signOut(): Promise<boolean> {
  const outcome = await ask((signal) => api.DELETE('/api/v1/sign-in', { signal }))
  if (outcome.kind === 'offline') return false
  signedOut()
  forgetAttempt()
  return true
}

/** Where to go after signing in: only a page of ours. */
export function ownPath(asked: unknown): string {
  return typeof asked === 'string' && /^\/(?![/\\])/.test(asked) ? asked : '/'
}
