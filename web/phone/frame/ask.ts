// Calls of this screen: each ends within its time, and each answer tells the platform's time. Refuses to wait for ever: in a
// basement a request may hang without failing.
import { api, settle, type Outcome } from '@shared/client'
import { learnTime } from './now'

const PATIENCE_MS = 8000

api.use({
  onResponse({ response }) {
    learnTime(response.headers.get('Date'))
    return undefined
  },
})

type Answer<T> = Parameters<typeof settle<T>>[0]

/** `ask((signal) => api.GET(path, { signal, … }))`, settled; nobody there in time is `offline`. */
export async function ask<T>(call: (signal: AbortSignal) => Answer<T>, patience_ms = PATIENCE_MS): Promise<Outcome<T>> {
  const giveUp = new AbortController()
  const timer = setTimeout(() => giveUp.abort(), patience_ms)
  try {
    return await settle(call(giveUp.signal))
  } finally {
    clearTimeout(timer)
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms))
}
