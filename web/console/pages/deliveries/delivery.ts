// One delivery in words: its state, what it tells of. Pure.
import type { Shapes } from '@shared/client'
import type { ShapeName } from '@shared/shapes'
import { t } from './words'

export type Delivery = Shapes['Delivery']
export const STATES = ['pending', 'delivered', 'dead', 'cancelled'] as const
export const STATE_SHAPES: Record<Delivery['state'], ShapeName> = { pending: 'queued', delivered: 'check_passed', dead: 'check_failed', cancelled: 'check_skipped' }

export function factOf(one: Delivery): string {
  if (one.fact === 'alert.opened') return t('alertOpened')
  return one.fact === 'alert.closed' ? t('alertClosed') : one.fact
}

/** What the last attempt came back with. */
export function answerOf(status: number | null, error: string | null): string {
  return [status === null ? t('noAnswer') : String(status), error].filter(Boolean).join(' · ')
}
