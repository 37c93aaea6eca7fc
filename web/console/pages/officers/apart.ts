// Why a role cannot be given to an account, before it is asked: the three administrators are three people (三员分立), none of them
// has business rights, nobody grants to himself or to an account that he made. The same rules as weld/core/roles.py, which judges.
import type { Shapes } from '@shared/client'

export const ADMINISTRATORS: ReadonlySet<string> = new Set(['system_administrator', 'security_administrator', 'audit_administrator'])
export type Refusal = 'refusedSelf' | 'refusedMaker' | 'refusedDisabled' | 'refusedThree' | 'refusedBusiness' | 'refusedAdministrator' | 'refusedHeld'

export function refusalOf(account: Shapes['OfficerView'], role: string, by: string): Refusal | null {
  if (role === '') return null
  if (account.id === by) return 'refusedSelf'
  if (account.created_by === by) return 'refusedMaker'
  if (account.disabled_at) return 'refusedDisabled'
  if (account.roles.includes(role)) return 'refusedHeld'
  const held = account.roles.some((one) => ADMINISTRATORS.has(one))
  if (ADMINISTRATORS.has(role)) return held ? 'refusedThree' : account.roles.length > 0 ? 'refusedBusiness' : null
  return held ? 'refusedAdministrator' : null
}
