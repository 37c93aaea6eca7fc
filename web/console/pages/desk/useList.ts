// A list that comes page by page: the first when a filter changes, the next by its cursor. What is there stays on the screen while
// it is asked for anew. Refuses offsets, and answers that were overtaken by a later question.
import { computed, onScopeDispose, ref, shallowRef, watch, type WatchSource } from 'vue'
import { settle, type Problem } from '@shared/client'
import { AGAIN_MS } from '../../useLoad'

type Call<T> = Parameters<typeof settle<T>>[0]
/** Every list of the api: one array under its own name, and the cursor of what follows. */
type Body<Name extends string, Row> = Record<Name, Row[]> & { next: string | null }

const PATIENCE_MS = 400

/** `call` asks for the page after a cursor, or returns null while there is nothing to ask; `name` is the array's in the body. */
export function useList<Name extends string, Row>(
  name: Name, call: (after: string | undefined) => Call<Body<Name, Row>> | null, sources: WatchSource[] = [],
) {
  const rows = shallowRef<Row[]>([])
  const next = shallowRef<string | null>(null)
  const problem = shallowRef<Problem | null>(null)
  const offline = ref(false)
  const loading = ref(false)
  const slow = ref(false)
  /** A first page is there, be it empty. */
  const here = ref(false)
  let turn = 0
  let again = 0
  let patience = 0

  async function ask(after: string | undefined): Promise<void> {
    const asked = call(after)
    const mine = (turn += 1)
    clearTimeout(again)
    clearTimeout(patience)
    if (asked === null) return
    loading.value = true
    patience = window.setTimeout(() => (slow.value = !here.value), PATIENCE_MS)
    const outcome = await settle<Body<Name, Row>>(asked)
    if (mine !== turn) return
    clearTimeout(patience)
    loading.value = slow.value = false
    offline.value = outcome.kind === 'offline' || (outcome.kind === 'no' && outcome.status >= 500)
    problem.value = outcome.kind === 'no' ? outcome.problem : null
    if (outcome.kind === 'ok') take(outcome.data, after)
    if (offline.value) again = window.setTimeout(() => void ask(after), AGAIN_MS)
  }

  function take(body: Body<Name, Row>, after: string | undefined): void {
    rows.value = after === undefined ? body[name] : [...rows.value, ...body[name]]
    next.value = body.next
    here.value = true
  }

  const refresh = () => ask(undefined)
  const more = async () => {
    if (next.value !== null && !loading.value) await ask(next.value)
  }

  if (sources.length > 0) watch(sources, () => void refresh())
  void refresh()
  onScopeDispose(() => {
    turn += 1
    clearTimeout(again)
    clearTimeout(patience)
  })
  /** How the list stands, for what is written below its rows. */
  const standing = computed(() => ({
    rows: rows.value.length, next: next.value, problem: problem.value, offline: offline.value, loading: loading.value, slow: slow.value, here: here.value,
  }))
  return { rows, here, standing, refresh, more }
}

export interface Standing {
  rows: number
  next: string | null
  problem: Problem | null
  offline: boolean
  loading: boolean
  slow: boolean
  here: boolean
}
