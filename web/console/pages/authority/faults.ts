// What the api says of one field of a form, in the language of the screen. Its own words come in both languages where the rules
// speak; where a route speaks English only, the sentence stands here. Refuses nothing: what is not known is shown as it came.
import type { Problem } from '@shared/client'
import { t } from './words'

const KNOWN: [RegExp, Parameters<typeof t>[0]][] = [
  [/^login: is taken/, 'faultLogin'],
  [/^name: is taken in this division/, 'faultDepartmentName'],
  [/^name: is taken, perhaps/, 'faultKeyName'],
  [/^expires_at:/, 'faultExpires'],
  [/^department: withdraw the roles/, 'faultDepartmentRoles'],
  [/^department: there is none/, 'faultNoDepartment'],
  [/^officers or endpoints belong to it/, 'faultInUse'],
  [/^somebody else granted/, 'faultRace'],
  [/there is no division/, 'faultNoDivision'],
  [/there is no enterprise/, 'faultNoEnterprise'],
  [/there is no such department/, 'faultNoDepartment'],
  [/^codes:/, 'faultCodes'],
  [/^this secret opens nothing/, 'faultSecret'],
]

/** The fault in words, or '' where the api gave no detail. */
export function faultWords(problem: Problem | null): string {
  const detail = problem?.detail
  if (!detail || detail === problem.reasons[0]?.text) return ''
  const key = KNOWN.find(([pattern]) => pattern.test(detail))?.[1]
  return key ? t(key, { what: detail.split(': ').at(-1) ?? '' }) : detail.replace(/^(password|rights|scope|name|login|code): /, '')
}
