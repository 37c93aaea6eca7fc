// The fresh proof that dangerous calls take: whoever calls waits here until the dialog has it or is left. One dialog for all
// calls that ask at once. Refuses to keep password or code.
import { ref } from 'vue'
import { api, proveBy, settle, type Outcome, type Shapes } from '@shared/client'

/** Whether the dialog is to be open. */
export const asking = ref(false)
let waiting: ((given: boolean) => void)[] = []

proveBy(
  () =>
    new Promise((done) => {
      waiting.push(done)
      asking.value = true
    }),
)

/** The proof was given, or not: all that wait go on. */
export function settled(given: boolean): void {
  asking.value = false
  const those = waiting
  waiting = []
  those.forEach((done) => done(given))
}

export const give = (proof: Shapes['StepUp']): Promise<Outcome<Shapes['Proven']>> =>
  settle<Shapes['Proven']>(api.POST('/api/v1/staff/step-up', { body: proof }))
