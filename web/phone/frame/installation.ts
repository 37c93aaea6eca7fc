// What this installation says of itself: name, hotline, its own address. Asked once; unknown until it answers.
import { shallowRef } from 'vue'
import { api, type Shapes } from '@shared/client'
import { ask } from './ask'

export const installation = shallowRef<Shapes['InstallationView'] | null>(null)

export async function learnInstallation(): Promise<void> {
  if (installation.value) return
  const outcome = await ask((signal) => api.GET('/api/v1/installation', { signal }))
  if (outcome.kind === 'ok') installation.value = outcome.data
}

/** The hosts that our plates carry: where this page came from, and the public address. */
export function ownHosts(): string[] {
  const told = installation.value?.public_url
  return told ? [location.host, new URL(told).host] : [location.host]
}
