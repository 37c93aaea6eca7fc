// Ending one's own session: one press, sent until the platform has it, remembered over a reload. Asking twice is asking once
// there. Refuses to call it ended: that is the machine's word.
import { computed, onScopeDispose, ref, type Ref } from 'vue'
import { api, type Shapes } from '@shared/client'
import { ask, pause } from '../frame/ask'
import { drawer } from '../frame/drawer'
import { t } from './words'

export type Ending = 'no' | 'sending' | 'unsent' | 'told'

const RETRY_MS = 3000
// An order to end does not live for ever: while it is under way the platform is asked whether it still is.
const LOOK_MS = 15_000
const pressed = drawer<string>('session', 'ending')

export function endingOf(session: Ref<string | null>) {
  const ending = ref<Ending>('no')
  const refused = ref<string | null>(null)
  let gone = false
  onScopeDispose(() => (gone = true))

  async function end(): Promise<void> {
    const id = session.value
    if (id === null || ending.value === 'sending' || ending.value === 'unsent') return
    pressed.keep(id)
    refused.value = null
    ending.value = 'sending'
    while (!gone) {
      const outcome = await ask((signal) => api.POST('/api/v1/sessions/{session}/end', { params: { path: { session: id } }, signal }))
      if (outcome.kind !== 'offline') return settled(outcome)
      ending.value = 'unsent'
      await pause(RETRY_MS)
    }
  }

  function settled(outcome: { kind: 'ok'; data: Shapes['Session'] } | { kind: 'no'; problem: Shapes['Problem'] }): void {
    pressed.empty()
    const told = outcome.kind === 'ok' || outcome.problem.error === 'already_ended'
    ending.value = told ? 'told' : 'no'
    refused.value = outcome.kind === 'no' && !told ? outcome.problem.detail : null
    if (told) void follow()
  }

  async function follow(): Promise<void> {
    while (!gone && ending.value === 'told') {
      await pause(LOOK_MS)
      const id = session.value
      if (gone || id === null) return
      const outcome = await ask((signal) => api.GET('/api/v1/sessions/{session}', { params: { path: { session: id } }, signal }))
      if (outcome.kind !== 'ok' || outcome.data.ending || outcome.data.state !== 'open') continue
      ending.value = 'no'
      refused.value = t('end_unheard')
    }
  }

  /** After a reload: what was pressed and not sent goes on; what was sent is known by the session's own word. */
  async function resume(): Promise<void> {
    const id = session.value
    if (id === null) return
    if (pressed.read() === id) return end()
    const outcome = await ask((signal) => api.GET('/api/v1/sessions/{session}', { params: { path: { session: id } }, signal }))
    if (outcome.kind === 'ok' && outcome.data.ending && ending.value === 'no') {
      ending.value = 'told'
      void follow()
    }
  }

  return { ending, refused, busy: computed(() => ending.value !== 'no'), end, resume }
}
