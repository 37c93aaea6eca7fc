// The three things that a passkey does: be added, sign in, give a fresh proof. Each asks the api what to sign, has it signed and
// hands it back. Refuses words for people: what went wrong comes as an outcome or one word.
import { api, settle, type Outcome, type Shapes } from '@shared/client'
import { make, sign, type No } from './credential'

export type Done<T> = Outcome<T> | { kind: 'left'; why: No }
const left = (why: No): Done<never> => ({ kind: 'left', why })

export async function addPasskey(name: string): Promise<Done<Shapes['Passkey']>> {
  const asked = await settle<Shapes['ToSign']>(api.POST('/api/v1/staff/passkeys/options'))
  if (asked.kind !== 'ok') return asked
  const credential = await make(asked.data.options)
  if (typeof credential === 'string') return left(credential)
  return settle<Shapes['Passkey']>(api.POST('/api/v1/staff/passkeys', { body: { challenge: asked.data.challenge, name, credential } }))
}

export async function signInByPasskey(): Promise<Done<Shapes['StaffMe']>> {
  const asked = await settle<Shapes['ToSign']>(api.POST('/api/v1/staff/sign-in/passkey/options'))
  const body = await signed(asked)
  return 'kind' in body ? body : settle<Shapes['StaffMe']>(api.POST('/api/v1/staff/sign-in/passkey', { body }))
}

export async function proveByPasskey(): Promise<Done<Shapes['Proven']>> {
  const asked = await settle<Shapes['ToSign']>(api.POST('/api/v1/staff/step-up/passkey/options'))
  const body = await signed(asked)
  return 'kind' in body ? body : settle<Shapes['Proven']>(api.POST('/api/v1/staff/step-up/passkey', { body }))
}

async function signed(asked: Outcome<Shapes['ToSign']>): Promise<Shapes['PasskeyProof'] | Done<never>> {
  if (asked.kind !== 'ok') return asked
  const credential = await sign(asked.data.options)
  return typeof credential === 'string' ? left(credential) : { challenge: asked.data.challenge, credential }
}
