// How an account stands, with its shape: closed, waiting for its owner, without rights, open. Pure.
import type { Shapes } from '@shared/client'
import { moment } from '@shared/figures'
import type { ShapeName } from '@shared/shapes'
import { t } from './words'

export function standingOf(one: Shapes['OfficerView']): { shape: ShapeName; word: string } {
  if (one.disabled_at) return { shape: 'blocked', word: t('disabled') }
  if (one.enrol_until) {
    const late = Date.parse(one.enrol_until) < Date.now()
    return late ? { shape: 'check_none', word: t('enrolLate') } : { shape: 'waiting', word: t('enrolUntil', { at: moment(one.enrol_until) }) }
  }
  if (one.roles.length === 0) return { shape: 'check_none', word: t('noRights') }
  return { shape: 'check_passed', word: t('open') }
}
