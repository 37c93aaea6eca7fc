// Signing for an alert, from wherever it stands; the answer goes into the live picture. Refuses to sign the same one twice at once.
import { shallowReactive } from 'vue'
import { api, settle, type Outcome, type Shapes } from '@shared/client'
import { useLive } from '../stores/live'

/** The ids that are being signed for right now. */
export const signing = shallowReactive(new Set<string>())

export async function sign(id: string): Promise<Outcome<Shapes['Alert']> | null> {
  if (signing.has(id)) return null
  signing.add(id)
  const outcome = await settle<Shapes['Alert']>(api.POST('/api/v1/alerts/{alert}/acknowledge', { params: { path: { alert: id } } }))
  signing.delete(id)
  if (outcome.kind === 'ok') useLive().applyAlert(outcome.data)
  return outcome
}
