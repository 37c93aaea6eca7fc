// One import as it goes on: asked again every second while the platform works on it, slower while nobody looks, and after a break by
// itself. The last picture stays while nobody answers, with its age.
import { computed, onScopeDispose, ref, shallowRef, watch, type Ref } from 'vue'
import { api, settle, type Problem, type Shapes } from '@shared/client'
import { now, serverNow } from '../../stores/clock'
import { Pacer, type Pace } from './pace'

const EVERY_MS = 1_000
const HIDDEN_MS = 10_000
const WORKING = new Set(['receiving', 'uploaded', 'running'])

export function useImport(id: Ref<string>) {
  const data = shallowRef<Shapes['Import'] | null>(null)
  const problem = shallowRef<Problem | null>(null)
  const offline = ref(false)
  const seenAt = ref(0)
  const pace = shallowRef<Pace | null>(null)
  let pacer = new Pacer()
  let timer = 0
  let turn = 0

  function take(one: Shapes['Import']): void {
    const before = data.value
    if (before?.id !== one.id || before.state !== one.state) pacer = new Pacer()
    data.value = one
    seenAt.value = serverNow()
    pacer.saw(seenAt.value, one.state === 'running' ? one.rows_entered : one.rows_read)
    pace.value = one.state === 'running' ? pacer.pace(one.rows_read) : pacer.pace(0)
  }

  async function look(): Promise<void> {
    clearTimeout(timer)
    const mine = (turn += 1)
    const outcome = await settle<Shapes['Import']>(api.GET('/api/v1/imports/{import_id}', { params: { path: { import_id: id.value } } }))
    if (mine !== turn) return
    offline.value = outcome.kind === 'offline' || (outcome.kind === 'no' && outcome.status >= 500)
    problem.value = outcome.kind === 'no' && !offline.value ? outcome.problem : null
    if (outcome.kind === 'ok') take(outcome.data)
    if (offline.value || (outcome.kind === 'ok' && WORKING.has(outcome.data.state))) timer = window.setTimeout(() => void look(), document.hidden ? HIDDEN_MS : EVERY_MS)
  }

  /** What a call of this page answered; from here it goes on by itself. */
  function told(one: Shapes['Import']): void {
    take(one)
    void look()
  }

  const back = () => { if (!document.hidden) void look() }
  document.addEventListener('visibilitychange', back)
  watch(id, () => {
    data.value = null
    void look()
  })
  void look()
  onScopeDispose(() => {
    turn += 1
    clearTimeout(timer)
    document.removeEventListener('visibilitychange', back)
  })
  const oldMs = computed(() => Math.max(0, now.value - seenAt.value))
  return { data, problem, offline, oldMs, pace, told }
}
