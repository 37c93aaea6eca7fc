// Who sits here: the officer that the cookie stands for, his rights, signing in and out. The cookie itself no script sees.
import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import { api, settle, type Outcome, type Shapes } from '@shared/client'

export type Me = Shapes['StaffMe']
export type Right =
  | 'alerts:read' | 'alerts:act' | 'machines:read' | 'machines:lock' | 'sessions:read' | 'quarantine:read'
  | 'deliveries:read' | 'deliveries:act' | 'workers:read' | 'workers:act' | 'plates:print' | 'registers:write'
  | 'enterprises:read' | 'enterprises:write' | 'departments:write' | 'officers:read' | 'officers:write' | 'roles:grant' | 'keys:write' | 'audit:read'
  | 'workers:reveal' | 'workers:export' | 'workers:erase'

export const useOfficer = defineStore('officer', () => {
  const me = shallowRef<Me | null>(null)

  /** Whether he may, by one of these; false before anybody is signed in. */
  const can = (...rights: Right[]): boolean => rights.some((one) => me.value?.rights.includes(one) ?? false)

  async function load(): Promise<Outcome<Me>> {
    return taken(await settle<Me>(api.GET('/api/v1/staff/me')))
  }

  async function signIn(given: Shapes['StaffSignIn']): Promise<Outcome<Me>> {
    return taken(await settle<Me>(api.POST('/api/v1/staff/sign-in', { body: given })))
  }

  /** Whether the cookie is worthless now; without an answer it is not, and he stays signed in. */
  async function signOut(): Promise<boolean> {
    if (me.value?.way === 'single_sign_on') return signOutThere()
    const outcome = await settle(api.DELETE('/api/v1/staff/sign-in'))
    if (outcome.kind === 'offline') return false
    me.value = null
    return true
  }

  // Here first, then at the single sign-on: else the next person at this screen comes in as he.
  async function signOutThere(): Promise<boolean> {
    const outcome = await settle<Shapes['SignedOut']>(api.POST('/api/v1/staff/single-sign-on/sign-out'))
    if (outcome.kind === 'offline') return false
    me.value = null
    if (outcome.kind === 'ok' && outcome.data.url) window.location.assign(outcome.data.url)
    return true
  }

  /** The api said that nobody is signed in. */
  function forget(): void {
    me.value = null
  }

  /** He came in some other way. */
  function cameIn(now: Me): void {
    me.value = now
  }

  function taken(outcome: Outcome<Me>): Outcome<Me> {
    if (outcome.kind === 'ok') me.value = outcome.data
    return outcome
  }

  return { me, can, load, signIn, cameIn, signOut, forget }
})
