// How far an import has come, as shape; and who brought it.
import type { Shapes } from '@shared/client'
import type { ShapeName } from '@shared/shapes'
import { useOfficer } from '../../stores/officer'
import { t } from './words'

export const STATE_SHAPES: Record<Shapes['Import']['state'], ShapeName> = {
  receiving: 'check_running', uploaded: 'check_running', previewed: 'check_next', running: 'check_running', done: 'check_passed', stopped: 'check_skipped',
}

/** Rows that would be entered, or were. */
export const enters = (one: Shapes['Import']): number => one.created + one.updated

export function whoBrought(actor: string): string {
  const [, id = ''] = actor.split(':')
  return id !== '' && id === useOfficer().me?.officer ? t('me') : t('account', { id: id.slice(-8) || actor })
}
