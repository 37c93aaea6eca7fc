// The live picture that all pages share: every machine's look and place, every alert that is not closed, the figures, and
// how old all that is. A snapshot first, then the stream; what arrives is gathered and applied once a frame.
// Refuses to clear what it knows when the connection goes: old figures stay and say their age.
import { defineStore } from 'pinia'
import { computed, ref, shallowReactive, shallowRef } from 'vue'
import { api, settle, type Shapes } from '@shared/client'
import { serverNow, serverSaid } from './clock'
import { Stream, type LiveEvent } from './stream'

export type Look = Shapes['MachineView']['look']
export type Alert = Shapes['Alert']

export interface LiveMachine {
  readonly division: string
  readonly look: Look
  readonly lat: number | null
  readonly lon: number | null
}

const AGAIN_MS = 3_000
/** A tab nobody sees gets no frames: it applies once a second. */
const HIDDEN_MS = 1_000

export const useLive = defineStore('live', () => {
  /** By plate. Entries are replaced, never changed. */
  const machines = shallowRef(shallowReactive(new Map<string, LiveMachine>()))
  /** By id: open and acknowledged ones of every level. */
  const alerts = shallowRef(shallowReactive(new Map<string, Alert>()))
  const figures = shallowRef<Shapes['Figures'] | null>(null)
  /** When anything was last heard, in milliseconds of `now` in clock.ts; 0 before. */
  const heardAt = ref(0)
  const connected = ref(false)
  /** A first snapshot is there. */
  const ready = ref(false)
  /** Counts applied batches, for those who look at all machines at once. */
  const batches = ref(0)
  /** How many wait for a signature: those with a clock. */
  const unsigned = computed(() => [...alerts.value.values()].filter((one) => one.state === 'open' && one.sign_by !== null).length)

  const changed = new Map<string, Shapes['MachineChange']>()
  const raised = new Map<string, Alert>()
  let planned = false
  let again = 0
  let wanted = false
  const stream = new Stream({ heard, quiet: () => (connected.value = false), ended: later })

  function connect(): void {
    if (wanted) return
    wanted = true
    void start()
  }

  /** Nobody is signed in any more: nothing of what was seen stays. */
  function disconnect(): void {
    wanted = false
    clearTimeout(again)
    stream.close()
    connected.value = ready.value = false
    machines.value = shallowReactive(new Map())
    alerts.value = shallowReactive(new Map())
    figures.value = null
  }

  async function start(): Promise<void> {
    clearTimeout(again)
    void loadFigures()
    const outcome = await settle<Shapes['MapSnapshot']>(api.GET('/api/v1/map'))
    if (!wanted) return
    if (outcome.kind === 'no' && outcome.status === 403) return // asking again changes nothing
    if (outcome.kind !== 'ok') return later()
    take(outcome.data)
    stream.open(outcome.data.cursor)
  }

  function later(): void {
    connected.value = false
    clearTimeout(again)
    if (wanted) again = window.setTimeout(() => void start(), AGAIN_MS)
  }

  async function loadFigures(): Promise<void> {
    const outcome = await settle<Shapes['Figures']>(api.GET('/api/v1/figures'))
    if (outcome.kind === 'ok' && wanted) figures.value = outcome.data
  }

  function take(snapshot: Shapes['MapSnapshot']): void {
    const { plate, division, look, lat, lon } = snapshot.machines
    const found = new Map<string, LiveMachine>()
    plate.forEach((one, at) => {
      const word = snapshot.looks[look[at]!]!
      found.set(one, { division: division[at]!, look: word, lat: lat[at]!, lon: lon[at]! })
    })
    changed.clear()
    raised.clear()
    machines.value = shallowReactive(found)
    alerts.value = shallowReactive(new Map(snapshot.alerts.map((one) => [one.id, one])))
    heard_(snapshot.at)
    ready.value = connected.value = true
    batches.value += 1
  }

  function heard<Name extends keyof LiveEvent>(name: Name, data: LiveEvent[Name]): void {
    heard_(data.at)
    connected.value = true
    if (name === 'machines') for (const one of (data as LiveEvent['machines']).machines) changed.set(one.plate, one)
    if (name === 'alerts') for (const one of (data as LiveEvent['alerts']).alerts) raised.set(one.id, one)
    if (name === 'figures') figures.value = data as LiveEvent['figures']
    if (name === 'resync') void resync()
    if (changed.size + raised.size > 0) plan()
  }

  function heard_(at: string): void {
    serverSaid(at)
    heardAt.value = serverNow()
  }

  async function resync(): Promise<void> {
    stream.close()
    await start()
  }

  function plan(): void {
    if (planned) return
    planned = true
    if (document.hidden) setTimeout(apply, HIDDEN_MS)
    else requestAnimationFrame(apply)
  }

  function apply(): void {
    planned = false
    for (const { plate, division, look, lat, lon } of changed.values()) machines.value.set(plate, { division, look, lat, lon })
    for (const one of raised.values()) applyAlert(one)
    changed.clear()
    raised.clear()
    batches.value += 1
  }

  /** An alert as the api last said it is: from the stream, or the answer to one's own act. */
  function applyAlert(alert: Alert): void {
    if (alert.state === 'closed') alerts.value.delete(alert.id)
    else alerts.value.set(alert.id, alert)
  }

  return { machines, alerts, figures, heardAt, connected, ready, batches, unsigned, connect, disconnect, applyAlert }
})
