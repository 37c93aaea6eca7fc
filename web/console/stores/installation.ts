// What this installation says of itself: its name, whether its data are made up, who answers for the map. Asked once.
import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import { api, settle, type Shapes } from '@shared/client'

export const useInstallation = defineStore('installation', () => {
  const told = shallowRef<Shapes['InstallationView'] | null>(null)

  async function load(): Promise<void> {
    if (told.value) return
    const outcome = await settle<Shapes['InstallationView']>(api.GET('/api/v1/installation'))
    if (outcome.kind === 'ok') told.value = outcome.data
  }

  return { told, load }
})
