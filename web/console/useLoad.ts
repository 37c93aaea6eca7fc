// One list or body from the api with its four states: waiting, here, refused, nobody there (then again every 3 s).
// What was loaded stays on the screen while it is asked for anew. Refuses answers that were overtaken by a later question.
import { onScopeDispose, ref, shallowRef, watch, type WatchSource } from 'vue'
import { settle, type Problem } from '@shared/client'

type Call<T> = Parameters<typeof settle<T>>[0]

export const AGAIN_MS = 3_000
/** Grey rows only for those who would wait longer than this. */
const PATIENCE_MS = 400

/** `call` is asked at once, when a `source` changes, and by `refresh`; it returns null while there is nothing to ask. */
export function useLoad<T>(call: () => Call<T> | null, sources: WatchSource[] = []) {
  const data = shallowRef<T | null>(null)
  /** The api's no, with the number to quote. */
  const problem = shallowRef<Problem | null>(null)
  const offline = ref(false)
  const loading = ref(false)
  /** Nothing to show after 400 ms: the time for grey rows. */
  const slow = ref(false)
  let turn = 0
  let again = 0
  let patience = 0

  async function refresh(): Promise<void> {
    const asked = call()
    const mine = (turn += 1)
    clearTimeout(again)
    clearTimeout(patience)
    if (asked === null) return
    loading.value = true
    patience = window.setTimeout(() => (slow.value = data.value === null), PATIENCE_MS)
    const outcome = await settle<T>(asked)
    if (mine !== turn) return
    clearTimeout(patience)
    loading.value = slow.value = false
    offline.value = outcome.kind === 'offline' || (outcome.kind === 'no' && outcome.status >= 500)
    problem.value = outcome.kind === 'no' ? outcome.problem : null
    if (outcome.kind === 'ok') data.value = outcome.data
    if (offline.value) again = window.setTimeout(() => void refresh(), AGAIN_MS)
  }

  if (sources.length > 0) watch(sources, () => void refresh())
  void refresh()
  onScopeDispose(() => {
    turn += 1
    clearTimeout(again)
    clearTimeout(patience)
  })
  return { data, problem, offline, loading, slow, refresh }
}
