// Everything about the one alert that is open on the desk: as the live picture has it, its machine, timeline, deliveries and
// session, each asked for by itself. Refuses to hold one alert's proof under another's sentence.
import { computed, onBeforeUnmount, watch, type Ref } from 'vue'
import { api, type Shapes } from '@shared/client'
import { now } from '../../stores/clock'
import { useLive } from '../../stores/live'
import { useOfficer } from '../../stores/officer'
import { useLoad } from '../../useLoad'
import type { Timeline } from '../machines/trace'
import { spanOf } from './evidence'

const REFRESH_MS = 10_000
/** An episode that was going on this lately may go on. */
const RECENT_MS = 10 * 60_000

export function useAlert(id: Ref<string>) {
  const live = useLive()
  const officer = useOfficer()
  const asked = useLoad<Shapes['Alert']>(
    () => (id.value ? api.GET('/api/v1/alerts/{alert}', { params: { path: { alert: id.value } } }) : null), [id, () => live.alerts.has(id.value)],
  )
  const told = computed(() => (asked.data.value?.id === id.value ? asked.data.value : null))
  // closed is closed for ever: where the stream stands still, the answer that was asked for knows more
  const alert = computed(() => (told.value?.state === 'closed' ? told.value : (live.alerts.get(id.value) ?? told.value)))
  watch(told, (one) => { if (one?.state === 'closed') live.applyAlert(one) })
  const plate = computed(() => alert.value?.plate ?? '')
  const span = computed(() => (alert.value ? spanOf(alert.value) : null))

  const detail = useLoad<Shapes['MachineDetail']>(
    () => (plate.value && officer.can('machines:read') ? api.GET('/api/v1/machines/{plate}', { params: { path: { plate: plate.value } } }) : null),
    [plate, () => live.machines.get(plate.value)?.look],
  )
  const machine = computed(() => (detail.data.value?.machine.plate === plate.value ? detail.data.value : null))

  // several at a time are on their way when rows are stepped through: each answer says whose it is
  let question = ''
  const trace = useLoad<Timeline & { of: string }>(
    () => {
      if (!plate.value || !span.value || !officer.can('machines:read')) return null
      const of = (question = id.value)
      const query = { since: new Date(span.value.from).toISOString(), until: new Date(span.value.to).toISOString() }
      return api.GET('/api/v1/machines/{plate}/timeline', { params: { path: { plate: plate.value }, query } })
        .then((answer) => ({ ...answer, data: answer.data && { ...answer.data, of } })) as never
    },
    [id, () => span.value?.from, () => span.value?.to],
  )
  const line = computed(() => (trace.data.value?.of === id.value ? trace.data.value : null))

  const sent = useLoad<Shapes['DeliveryList']>(
    () => (id.value && officer.can('deliveries:read') ? api.GET('/api/v1/deliveries', { params: { query: { subject: id.value, limit: 50 } } }) : null),
    [id, () => alert.value?.state],
  )
  const session = useLoad<Shapes['Session']>(
    () => {
      const one = alert.value?.session
      return one && officer.can('sessions:read') ? api.GET('/api/v1/sessions/{session}', { params: { path: { session: one } } }) : null
    },
    [() => alert.value?.session],
  )

  const timer = window.setInterval(() => {
    if (document.hidden || !alert.value) return
    if (now.value - Date.parse(alert.value.last_at) < RECENT_MS) {
      if (question) void trace.refresh()
      if (machine.value) void detail.refresh()
    }
    if (sent.data.value?.deliveries.some((one) => one.state === 'pending')) void sent.refresh()
  }, REFRESH_MS)
  onBeforeUnmount(() => clearInterval(timer))

  return {
    alert, asked, machine, trace, line,
    deliveries: computed(() => (sent.data.value && id.value ? sent.data.value.deliveries : null)),
    session: computed(() => (session.data.value?.id === alert.value?.session ? session.data.value : null)),
    again: () => Promise.all([asked.refresh(), detail.refresh(), sent.refresh()]),
  }
}
