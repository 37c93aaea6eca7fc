// The time, once a second, by the platform's clock: phones are minutes off more often than one thinks, and every count-down
// here ends at a moment that the platform set. Refuses corrections below two seconds: the header says whole seconds.
import { ref } from 'vue'

let ahead_ms = 0

/** Milliseconds since 1970 as the platform counts them. */
export function platformNow(): number {
  return Date.now() + ahead_ms
}

/** The same, redrawn once a second. */
export const now = ref(platformNow())
setInterval(() => (now.value = platformNow()), 1000)

/** What an answer's Date header tells about our clock. */
export function learnTime(header: string | null): void {
  const said = header === null ? NaN : Date.parse(header)
  if (Number.isNaN(said)) return
  const off = said + 500 - Date.now()
  ahead_ms = Math.abs(off) > 2000 ? off : 0
}
