// The browser's side of a passkey: what the api asks as JSON becomes what authenticators take, and back. Written out by hand, as
// the browsers of offices are years old. Refuses to throw: a no of the person or the browser is a word.
import type { Shapes } from '@shared/client'

export type No = 'cancelled' | 'known' | 'failed'
type Made = Shapes['NewPasskey']['credential']
type Signed = Shapes['PasskeyProof']['credential']

interface Named {
  id: string
  type: 'public-key'
  transports?: AuthenticatorTransport[]
}
interface CreationOptions extends Omit<PublicKeyCredentialCreationOptions, 'challenge' | 'user' | 'excludeCredentials'> {
  challenge: string
  user: { id: string; name: string; displayName: string }
  excludeCredentials?: Named[]
}
interface RequestOptions extends Omit<PublicKeyCredentialRequestOptions, 'challenge' | 'allowCredentials'> {
  challenge: string
  allowCredentials?: Named[]
}

/** Whether this browser knows passkeys at all (only at a secure address). */
export const canPasskey = (): boolean => 'PublicKeyCredential' in window && 'credentials' in navigator

/** A new passkey, made by the authenticator of this computer or one that is plugged in. */
export async function make(asked: Shapes['ToSign']['options']): Promise<Made | No> {
  const options = asked as unknown as CreationOptions
  return told(async () => {
    const publicKey = {
      ...options,
      challenge: bytes(options.challenge),
      user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: (options.excludeCredentials ?? []).map(named),
    }
    const found = (await navigator.credentials.create({ publicKey })) as PublicKeyCredential
    const { clientDataJSON, attestationObject } = found.response as AuthenticatorAttestationResponse
    return { ...head(found), response: { clientDataJSON: text(clientDataJSON), attestationObject: text(attestationObject) } }
  })
}

/** A signature by a passkey that the person chooses. */
export async function sign(asked: Shapes['ToSign']['options']): Promise<Signed | No> {
  const options = asked as unknown as RequestOptions
  return told(async () => {
    const publicKey = {
      ...options,
      challenge: bytes(options.challenge),
      allowCredentials: (options.allowCredentials ?? []).map(named),
    }
    const found = (await navigator.credentials.get({ publicKey })) as PublicKeyCredential
    const { clientDataJSON, authenticatorData, signature, userHandle } = found.response as AuthenticatorAssertionResponse
    const parts = { clientDataJSON: text(clientDataJSON), authenticatorData: text(authenticatorData), signature: text(signature) }
    return { ...head(found), response: { ...parts, userHandle: userHandle === null ? null : text(userHandle) } }
  })
}

async function told<T>(work: () => Promise<T>): Promise<T | No> {
  try {
    return await work()
  } catch (error) {
    const name = error instanceof DOMException ? error.name : ''
    return name === 'NotAllowedError' || name === 'AbortError' ? 'cancelled' : name === 'InvalidStateError' ? 'known' : 'failed'
  }
}

const named = (one: Named): PublicKeyCredentialDescriptor => ({ ...one, id: bytes(one.id) })
const head = (found: PublicKeyCredential) => ({ id: found.id, rawId: text(found.rawId), type: 'public-key' as const })

function bytes(coded: string): Uint8Array<ArrayBuffer> {
  const plain = atob(coded.replace(/-/g, '+').replace(/_/g, '/'))
  return Uint8Array.from(plain, (one) => one.charCodeAt(0))
}

function text(buffer: ArrayBuffer): string {
  const plain = Array.from(new Uint8Array(buffer), (one) => String.fromCharCode(one)).join('')
  return btoa(plain).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '')
}
