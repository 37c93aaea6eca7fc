// One act with what became of it: busy, refused with the api's words, nobody there. Refuses to run twice at once.
import { ref, shallowRef } from 'vue'
import { settle, type Problem } from '@shared/client'

type Call<T> = Parameters<typeof settle<T>>[0]

export function useAct() {
  const busy = ref(false)
  const problem = shallowRef<Problem | null>(null)
  const gone = ref(false)

  /** The answer, or null where there is none to go on with. */
  async function act<T>(call: () => Call<T>): Promise<{ data: T } | null> {
    if (busy.value) return null
    busy.value = true
    clear()
    const outcome = await settle<T>(call())
    busy.value = false
    problem.value = outcome.kind === 'no' ? outcome.problem : null
    gone.value = outcome.kind === 'offline'
    return outcome.kind === 'ok' ? { data: outcome.data } : null
  }

  function clear(): void {
    problem.value = null
    gone.value = false
  }

  return { busy, problem, gone, act, clear }
}
export type Acting = ReturnType<typeof useAct>
