// Over what somebody may act: platform, a division and all below it, a department, an enterprise. The tables write a division
// with all above it (division:41/4105), a department with its division, an enterprise by its id; people name a division by its
// own code and an enterprise by its credit code. Pure.
import type { Shapes } from '@shared/client'
import { divisionPath } from './divisionNames'
import { t } from './words'

export type ScopeKind = 'platform' | 'division' | 'department' | 'enterprise'
export const SCOPE_KINDS: ScopeKind[] = ['division', 'department', 'enterprise', 'platform']
export type Department = Pick<Shapes['DepartmentView'], 'id' | 'name'>

export interface Scope {
  kind: ScopeKind
  /** Code of a division, id of a department, credit code of an enterprise. */
  of: string
}

export function scopeOf(text: string): Scope {
  const [kind = '', ...rest] = text.split(':')
  return { kind: kind as ScopeKind, of: rest.at(-1)?.split('/').at(-1) ?? '' }
}

/** As it is asked of the api; '' while something is missing. */
export const scopeText = (scope: Scope): string => (scope.kind === 'platform' ? 'platform' : scope.of ? `${scope.kind}:${scope.of}` : '')

export function scopeWords(text: string | null, departments: Department[] = []): string {
  if (text === null) return ''
  const { kind, of } = scopeOf(text)
  if (kind === 'platform') return t('platform')
  if (kind === 'division') return t('ofDivision', { path: divisionPath(of), code: of })
  if (kind === 'department') return t('ofDepartment', { name: departments.find((one) => one.id === of)?.name ?? of.slice(0, 8) })
  return t('ofEnterprise', { code: of.slice(0, 8) })
}
