// The course of a start on this page: ready, asked, answered, shown, then the relay's own word. Refuses to go backwards, and to
// call a start done before the contact has reported it.
import { computed, effectScope, onScopeDispose, ref, shallowRef, watch } from 'vue'
import type { Shapes } from '@shared/client'
import { pause } from '../frame/ask'
import { platformNow } from '../frame/now'
import { soundRefused, soundUnlocked } from '../frame/signals'
import { isOver, keep, keptOf, live } from '../session/kept'
import { watchUnlock, type Watched } from '../session/watch'
import { attemptOf, begin, forgetAttempt, isFresh, note, send, type Attempt } from './attempt'
import { ROWS } from './checks'

export type Phase = 'ready' | 'asking' | 'unheard' | 'checks' | 'refused' | 'relay' | 'turned_down' | 'on'

/** Below this the running page is not shown at all. */
export const QUICK_MS = 400
const STEP_MS = 110
const RETRY_MS = 3000

export function courseOf(plate: string) {
  const attempt = shallowRef<Attempt | null>(attemptOf(plate) ?? adopted(plate))
  const asking = ref(false)
  const slow = ref(false)
  const unheard = ref(false)
  const lapsed = ref(false)
  const signedOut = ref(false)
  const shown = ref(attempt.value?.shown ? ROWS.length : 0)
  const watched = shallowRef<Watched | null>(null)
  const scope = effectScope()
  let gone = false
  onScopeDispose(() => (gone = true))

  const unlock = computed(() => watched.value?.unlock.value ?? attempt.value?.unlock ?? null)
  const phase = computed<Phase>(() => {
    if (attempt.value?.refused && !asking.value) return 'refused'
    if (unlock.value) return phaseOf(unlock.value, shown.value)
    if (unheard.value) return 'unheard'
    return asking.value ? 'asking' : 'ready'
  })

  function change(part: Partial<Attempt>): void {
    if (attempt.value) attempt.value = note({ ...attempt.value, ...part })
  }

  /** The press. While something is under way it is the same press. */
  function press(): void {
    if (asking.value) return
    lapsed.value = false
    attempt.value = begin(plate)
    if (!attempt.value.unlock) void run()
  }

  /** After a no: another attempt. */
  function again(): void {
    if (asking.value) return
    watched.value = null
    shown.value = 0
    change({ refused: null })
    press()
  }

  async function run(): Promise<void> {
    asking.value = true
    const timer = setTimeout(() => (slow.value = true), QUICK_MS)
    const began = performance.now()
    while (!gone && asking.value && attempt.value && isFresh(attempt.value)) {
      const outcome = await send(attempt.value)
      unheard.value = outcome.kind === 'offline'
      if (outcome.kind === 'ok') granted(outcome.data, performance.now() - began)
      else if (outcome.kind === 'no') denied(outcome.problem, outcome.status)
      else await Promise.race([pause(RETRY_MS), nextOnline()])
      if (outcome.kind !== 'offline') asking.value = false
    }
    clearTimeout(timer)
    slow.value = false
    // Nobody may stand at the machine any more: the same attempt waits for another press.
    lapsed.value = asking.value && !gone
    asking.value = false
    unheard.value = false
  }

  function granted(answer: Shapes['Unlock'], took_ms: number): void {
    change({ unlock: answer, took_ms, refused: null })
    follow(answer)
    void show(took_ms < QUICK_MS)
  }

  function denied(problem: Shapes['Problem'], status: number): void {
    if (problem.error === 'signed_out') {
      signedOut.value = true
      return
    }
    // Below 500 the answer is kept under the key: the next press is another attempt.
    change({ refused: problem, refused_at: platformNow(), over: status < 500 && status !== 429 })
    soundRefused()
  }

  async function show(atOnce: boolean): Promise<void> {
    const still = atOnce || matchMedia('(prefers-reduced-motion: reduce)').matches
    while (!still && shown.value < ROWS.length && !gone) {
      await pause(STEP_MS)
      shown.value += 1
    }
    shown.value = ROWS.length
    change({ shown: true })
  }

  function follow(known: Shapes['Unlock']): void {
    watched.value = scope.run(() => watchUnlock(known.id, known, platformNow())) ?? null
  }

  watch(unlock, (one, before) => {
    if (!one || one === before) return
    const over = isOver(one) || one.state === 'closed'
    change({ unlock: one, over })
    keep({ unlock: one, bursts: keptOf(one.id)?.bursts ?? [], told_at: platformNow() })
    if (one.state === 'closed' && before?.state !== 'closed') soundUnlocked()
    if (isOver(one) && before && !isOver(before)) soundRefused()
  })
  watch(() => watched.value?.denied.value, (no) => {
    if (no?.error === 'signed_out') signedOut.value = true
    else if (no) dropForeign()
  })

  /** The permission belongs to whoever used this phone before: it is not our attempt. */
  function dropForeign(): void {
    watched.value = null
    attempt.value = null
    shown.value = 0
    forgetAttempt()
  }

  // Reopened in the middle: what was answered is followed, what was not is asked again as the same attempt.
  if (attempt.value?.unlock && !isOver(attempt.value.unlock)) follow(attempt.value.unlock)
  else if (attempt.value && !attempt.value.refused && !attempt.value.unlock && isFresh(attempt.value)) void run()
  if (attempt.value?.unlock && !attempt.value.shown) void show(false)

  const linked = computed(() => watched.value?.linked.value ?? true)
  return { attempt, unlock, phase, shown, slow, unheard, lapsed, linked, signedOut, press, again }
}

function phaseOf(unlock: Shapes['Unlock'], shown: number): Phase {
  if (unlock.state === 'closed') return 'on'
  if (isOver(unlock)) return unlock.session === null ? 'turned_down' : 'on'
  return shown < ROWS.length ? 'checks' : 'relay'
}

/** A permission under way that another tab asked for. */
function adopted(plate: string): Attempt | null {
  const one = live.value && live.value.plate === plate ? keptOf(live.value.id) : null
  if (!one) return null
  return { plate, key: '', pressed_at: 0, unlock: one.unlock, refused: null, refused_at: null, took_ms: null, shown: true, over: false }
}

function nextOnline(): Promise<void> {
  return new Promise((done) => window.addEventListener('online', () => done(), { once: true }))
}
