// A certificate as a line of time: where today stands in it, and the one sentence below. Pure; days are whole days of the place.
import type { Shapes } from '@shared/client'
import type { ShapeName } from '@shared/shapes'
import { t } from './words'

type Certificate = Shapes['CertificateView']
export type Status = 'valid' | 'review_due' | 'not_yet_valid' | 'review_overdue' | 'expired' | 'unverified' | 'revoked' | 'cancelled' | 'suspended' | 'suspected_fake'

const DAY_MS = 86_400_000
const SHAPES: Partial<Record<Status, ShapeName>> = {
  valid: 'check_passed',
  review_due: 'watching',
  not_yet_valid: 'check_none',
  unverified: 'check_none',
}

export function shapeOf(status: string): ShapeName {
  return SHAPES[status as Status] ?? 'check_failed'
}

export function statusWord(status: string): string {
  return status === 'suspended' ? t('suspended_certificate') : t(status as Exclude<Status, 'suspended'>)
}

export function daysBetween(from: string, to: string): number {
  return Math.round((Date.parse(to) - Date.parse(from)) / DAY_MS)
}

/** 0 to 100: where a day stands between the first and the last. */
export function shareOf(day: string, one: Certificate): number {
  const all = daysBetween(one.valid_from, one.valid_to)
  return Math.min(100, Math.max(0, (100 * daysBetween(one.valid_from, day)) / Math.max(1, all)))
}

export function sentenceOf(one: Certificate, today: string): string {
  if (one.status === 'not_yet_valid') return t('from', { day: one.valid_from, n: daysBetween(today, one.valid_from) })
  if (one.status === 'expired' || one.status === 'review_overdue') return t('since', { day: one.last_day, n: daysBetween(one.last_day, today) })
  if (!one.usable) return t('unusable')
  const review = one.review_due !== null && one.review_due <= one.valid_to
  return t(review ? 'review_on' : 'until', { day: one.last_day, n: daysBetween(today, one.last_day) })
}
