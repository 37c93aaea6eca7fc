// What is wrong with single fields of an entry, out of the api's answer: "credit_code: character 18 …; division: …".
// Refuses to guess: whatever names no field stays with the answer as a whole.
import type { Problem } from '@shared/client'

export interface FieldFault {
  /** The api's own words; '' where it only names a kind of mistake for programs. */
  text: string
  /** The first character that is wrong, counted from 1; null where none is to blame. */
  position: number | null
}
export type Faults = Partial<Record<string, FieldFault>>

export function faultsOf(problem: Problem | null): Faults {
  const found: Faults = {}
  if (problem?.error !== 'bad_request') return found
  for (const part of problem.detail.split(/; (?=[a-z_.]+: )/)) {
    const [, field, text] = /^(?:body\.)?([a-z_]+): (.+)$/s.exec(part) ?? []
    if (field === undefined || text === undefined || field in found) continue
    const at = /(?:characters?|位置) (\d+)/.exec(text)?.[1]
    found[field] = { text: /^[a-z_]+$/.test(text) ? '' : text, position: at === undefined ? null : Number(at) }
  }
  return found
}
