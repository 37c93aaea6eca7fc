// What to do next about an alert: sign, what its reason says after its first sentence, close. Pure.
import type { Shapes } from '@shared/client'
import type { ShapeName } from '@shared/shapes'
import { inWords } from '@shared/words'
import { t } from './words'

/** The first sentence says why it matters; the others what to do. */
export function whyOf(alert: Shapes['Alert']): { matters: string; todo: string[] } {
  const [matters = '', ...todo] = inWords(alert.why).split(/(?<=。)|(?<=\.)\s+/).map((one) => one.trim()).filter(Boolean)
  return { matters, todo }
}

export function stepsOf(alert: Shapes['Alert']): { shape: ShapeName; text: string }[] {
  if (alert.state === 'closed') return [{ shape: 'check_passed', text: t('nextDone') }]
  const signed = alert.state === 'acknowledged'
  const { todo } = whyOf(alert)
  const steps: { shape: ShapeName; text: string }[] = []
  if (!alert.historical && !signed) steps.push({ shape: 'check_next', text: t('nextSign') })
  todo.forEach((text, at) => steps.push({ shape: steps.length === 0 && at === 0 ? 'check_next' : 'check_none', text: text.replace(/[。.]$/, '') }))
  steps.push({ shape: steps.length === 0 ? 'check_next' : 'check_none', text: t('nextClose') })
  return steps
}
