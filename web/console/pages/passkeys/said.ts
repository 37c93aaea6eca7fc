// What is said of an attempt that came to nothing: the api's own words, or ours where it was not asked.
import type { Done } from './flow'
import { t } from './words'

export function said(outcome: Done<unknown>): string {
  if (outcome.kind === 'ok') return ''
  if (outcome.kind === 'left') return t(outcome.why)
  if (outcome.kind === 'offline') return t('offline')
  const reason = outcome.problem.reasons[0]
  return reason ? `${reason.text} ${reason.way_out}` : outcome.problem.error
}
