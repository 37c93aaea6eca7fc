// One entry on its way to the api: busy, refused (by field where the api says so), nobody there. Refuses to send twice at once.
import { computed, ref, shallowRef } from 'vue'
import { settle, type Problem } from '@shared/client'
import { faultsOf } from './faults'

type Call<T> = Parameters<typeof settle<T>>[0]

export function useEntry() {
  const busy = ref(false)
  const gone = ref(false)
  const problem = shallowRef<Problem | null>(null)
  const faults = computed(() => faultsOf(problem.value))
  /** A no that names no field: to be shown as a whole. */
  const whole = computed(() => (Object.keys(faults.value).length > 0 ? null : problem.value))

  function clear(): void {
    problem.value = null
    gone.value = false
  }

  /** What became of it; null where it was refused or never arrived. */
  async function send<T>(call: () => Call<T>): Promise<T | null> {
    if (busy.value) return null
    busy.value = true
    const outcome = await settle<T>(call())
    busy.value = false
    problem.value = outcome.kind === 'no' ? outcome.problem : null
    gone.value = outcome.kind === 'offline'
    return outcome.kind === 'ok' ? outcome.data : null
  }

  return { busy, gone, problem, faults, whole, clear, send }
}
