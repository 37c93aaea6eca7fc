// One session in a word and a shape, and what of it nobody knows. Refuses to call a session unlicensed while that is unknown.
import type { Shapes } from '@shared/client'
import type { ShapeName } from '@shared/shapes'
import { t } from './words'

export type Session = Shapes['Session']

/** The contact was closed, but no sample tells what happened. */
export const unknownMs = (session: Session): number => Math.max(0, session.contact_ms - session.covered_ms)
/** Less than this is rounding of steps, not a gap. */
export const UNKNOWN_LEAST_MS = 5_000

export function standing(session: Session): { shape: ShapeName; word: string } {
  if (session.authorised === false) return { shape: 'blocked', word: t('notAuthorised') }
  if (session.state === 'open') return session.ending ? { shape: 'paused', word: t('ending') } : { shape: 'unlocked', word: t('open') }
  if (session.historical) return { shape: 'late', word: t('late') }
  if (session.state === 'inferred') return { shape: 'silent', word: t('inferred') }
  return { shape: 'ended', word: t('closed') }
}
