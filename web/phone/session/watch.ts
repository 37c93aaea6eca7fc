// One unlock, watched: the stream (Server-Sent Events) with a slow look beside it; a fast look where the stream failed twice.
// Tells how the link stands. Refuses to blank anything: without a link the last word stays, with its time.
import { onScopeDispose, ref, shallowRef, type Ref, type ShallowRef } from 'vue'
import { api, type Problem, type Shapes } from '@shared/client'
import { ask } from '../frame/ask'
import { platformNow } from '../frame/now'
import { isOver } from './kept'

type Unlock = Shapes['Unlock']

export interface Watched {
  unlock: ShallowRef<Unlock | null>
  /** false: nobody answers at the moment. */
  linked: Ref<boolean>
  /** When the platform last spoke, by its clock. */
  told_at: Ref<number | null>
  /** It will not tell us: not ours, or signed out. */
  denied: ShallowRef<Problem | null>
  look(): void
}

const FAST_MS = 2000
const BEFORE_CLICK_MS = 5000
const SLOW_MS = 15_000
const PATIENCE_MS = 5000
const STREAM_TRIES = 2

/** Watches until its end or until the scope (the page) is gone. `first` is what is known already. */
export function watchUnlock(id: string, first: Unlock | null = null, first_at: number | null = null): Watched {
  const unlock = shallowRef(first)
  const linked = ref(true)
  const told_at = ref(first_at)
  const denied = shallowRef<Problem | null>(null)
  let stream: EventSource | null = null
  let failures = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  let looking = false
  let stopped = false

  function heard(one: Unlock): void {
    unlock.value = one
    told_at.value = platformNow()
    linked.value = true
    if (isOver(one)) stop()
  }

  function open(): void {
    if (stopped || stream || failures >= STREAM_TRIES || typeof EventSource === 'undefined') return
    stream = new EventSource(`/api/v1/unlocks/${id}/events`)
    stream.addEventListener('unlock', (event) => {
      failures = 0
      heard(JSON.parse((event as MessageEvent<string>).data) as Unlock)
    })
    stream.onerror = () => {
      failures += 1
      if (failures >= STREAM_TRIES || stream?.readyState === EventSource.CLOSED) close()
      look()
    }
  }

  function close(): void {
    stream?.close()
    stream = null
  }

  async function glance(): Promise<void> {
    if (looking || stopped) return
    looking = true
    clearTimeout(timer)
    const outcome = await ask((signal) => api.GET('/api/v1/unlocks/{unlock}', { params: { path: { unlock: id } }, signal }), PATIENCE_MS)
    looking = false
    if (stopped) return
    if (outcome.kind === 'ok') {
      if (!linked.value) failures = 0 // the link is back: the stream gets another chance
      heard(outcome.data)
      open()
    } else if (outcome.kind === 'no' && outcome.status < 500 && outcome.status !== 429) {
      denied.value = outcome.problem
      stop()
    } else {
      linked.value = false
      close()
    }
    if (!stopped) timer = setTimeout(look, rhythm())
  }

  function rhythm(): number {
    if (!stream) return FAST_MS
    return unlock.value?.state === 'closed' ? SLOW_MS : BEFORE_CLICK_MS
  }

  function look(): void {
    void glance()
  }

  // What the phone says of its link is asked at once: a stream that died may look alive for minutes.
  function lost(): void {
    linked.value = false
    close()
    look()
  }

  function seen(): void {
    if (document.visibilityState === 'visible') look()
  }

  function stop(): void {
    stopped = true
    clearTimeout(timer)
    close()
    window.removeEventListener('offline', lost)
    window.removeEventListener('online', look)
    document.removeEventListener('visibilitychange', seen)
  }

  window.addEventListener('offline', lost)
  window.addEventListener('online', look)
  document.addEventListener('visibilitychange', seen)
  if (navigator.onLine === false) linked.value = false
  onScopeDispose(stop)
  look()
  return { unlock, linked, told_at, denied, look }
}
