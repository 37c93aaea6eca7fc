// How a worker or a certificate stands, as shape and word. Refuses colours of levels: a lapsed paper is no alert.
import type { Shapes } from '@shared/client'
import type { ShapeName } from '@shared/shapes'
import { t, type WorkerWord } from './words'

type Standing = Shapes['WorkerView']['standing']
export const STANDINGS: readonly Standing[] = ['usable', 'expiring', 'expired', 'unusable', 'none']

export const STANDING_SHAPES: Record<Standing, ShapeName> = {
  usable: 'check_passed', expiring: 'watching', expired: 'check_failed', unusable: 'check_failed', none: 'check_none',
}

const KNOWN = new Set(['valid', 'review_due', 'not_yet_valid', 'review_overdue', 'expired', 'unverified', 'revoked', 'cancelled', 'suspended', 'suspected_fake'])

/** A state of a certificate in words; one that this version does not know as it is. */
export const wordOf = (status: string): string => (KNOWN.has(status) || status === 'verified' ? t(`status_${status}` as WorkerWord) : status)

export function statusOf(paper: Shapes['CertificateRecord']): { shape: ShapeName; word: string; why: string } {
  const shape = paper.usable ? (paper.status === 'review_due' ? 'watching' : 'check_passed') : paper.status === 'unverified' || paper.status === 'not_yet_valid' ? 'check_none' : 'check_failed'
  return { shape, word: wordOf(paper.status), why: KNOWN.has(paper.status) ? t(`why_${paper.status}` as WorkerWord) : '' }
}

const DAY_MS = 86_400_000
/** Whole days from today to a date YYYY-MM-DD; negative when it is over. */
export function daysTo(date: string, now: number): number {
  const [year, month, day] = date.split('-').map(Number) as [number, number, number]
  const today = new Date(now)
  return Math.round((Date.UTC(year, month - 1, day) - Date.UTC(today.getFullYear(), today.getMonth(), today.getDate())) / DAY_MS)
}
