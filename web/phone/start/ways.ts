// The way out of each refusal as this screen can offer it: the one filled button. Refuses to offer what no page here does; the
// words themselves are the platform's.
import type { Problem, Shapes } from '@shared/client'

export type Way = 'again' | 'papers' | 'other_session' | 'other_machine' | 'rescan'

const WAYS: Partial<Record<Shapes['Reason']['code'], Way>> = {
  no_certificate: 'papers',
  certificate_unverified: 'papers',
  certificate_expired: 'papers',
  certificate_not_yet_valid: 'papers',
  review_overdue: 'papers',
  certificate_revoked: 'papers',
  certificate_cancelled: 'papers',
  certificate_suspended: 'papers',
  certificate_suspected_fake: 'papers',
  wrong_item: 'papers',
  wrong_domain: 'papers',
  worker_suspended: 'papers',
  under_age: 'papers',
  over_age: 'papers',
  off_post: 'papers',
  verification_stale: 'papers',
  certificate_in_use_elsewhere: 'other_session',
  machine_not_chipped: 'other_machine',
  machine_blocked: 'other_machine',
  machine_unsafe: 'other_machine',
  machine_in_use: 'other_machine',
  unknown_plate: 'rescan',
  plate_check_failed: 'rescan',
}

export function wayOf(problem: Problem): Way {
  return WAYS[problem.error] ?? 'again'
}

/** One way out as one to three numbered ones: the platform's sentences part them with a semicolon. */
export function stepsOf(way_out: string): string[] {
  const parts = way_out.replace(/[。.]\s*$/, '').split(/[；;]\s*/).filter((part) => part !== '')
  return parts.slice(0, 3).map((part) => part.charAt(0).toUpperCase() + part.slice(1))
}
