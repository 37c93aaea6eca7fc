// What this installation says of itself: name, hotline, its own address. Asked once a load; kept, because the hotline is needed
// most where there is no link.
import { shallowRef } from 'vue'
import { api, type Shapes } from '@shared/client'
import { ask } from './ask'
import { drawer } from './drawer'

const box = drawer<Shapes['InstallationView']>('local', 'installation')
export const installation = shallowRef<Shapes['InstallationView'] | null>(box.read())

export async function learnInstallation(): Promise<void> {
  const outcome = await ask((signal) => api.GET('/api/v1/installation', { signal }))
  if (outcome.kind !== 'ok') return
  installation.value = outcome.data
  box.keep(outcome.data)
}

/** The hosts that our plates carry: where this page came from, and the public address. */
export function ownHosts(): string[] {
  const told = installation.value?.public_url
  return told ? [location.host, new URL(told).host] : [location.host]
}
