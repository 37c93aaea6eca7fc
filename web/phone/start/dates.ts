// The two dates behind a refusal by date, from one's own certificate: its day and today. Nothing where no certificate says so.
import { computed, shallowRef } from 'vue'
import { api, type Shapes } from '@shared/client'
import { day } from '@shared/figures'
import { ask } from '../frame/ask'
import { now } from '../frame/now'
import { daysBetween } from '../me/life'

type Code = Shapes['Reason']['code']

const STATUS: Partial<Record<Code, string>> = {
  certificate_expired: 'expired',
  review_overdue: 'review_overdue',
  certificate_not_yet_valid: 'not_yet_valid',
}

export function datesBehind(code: Code | undefined) {
  const mine = shallowRef<Shapes['CertificateView'] | null>(null)
  const status = code && STATUS[code]

  async function look(): Promise<void> {
    const held = await ask((signal) => api.GET('/api/v1/me/certificates', { signal }))
    if (held.kind === 'ok') mine.value = held.data.certificates.find((one) => one.status === status) ?? null
  }
  if (status) void look()

  return computed(() => {
    const one = mine.value
    if (one === null) return null
    const early = one.status === 'not_yet_valid'
    const its = early ? one.valid_from : one.last_day
    const today = day(now.value)
    return { early, its, today, apart: Math.abs(daysBetween(its, today)) }
  })
}
