// Maker and model of machines that this page has looked at, so that a start says which machine it is before its answer.
import { reactive } from 'vue'
import { api } from '@shared/client'
import { ask } from '../frame/ask'

const known = reactive(new Map<string, string>())

export function machineOf(plate: string): string | undefined {
  return known.get(plate)
}

export function tellMachine(plate: string, about: string): void {
  known.set(plate, about)
}

export async function learnMachine(plate: string): Promise<void> {
  if (known.has(plate)) return
  const outcome = await ask((signal) => api.GET('/api/v1/plates/{plate}', { params: { path: { plate } }, signal }))
  if (outcome.kind === 'ok') tellMachine(plate, `${outcome.data.maker} ${outcome.data.model}`)
}
