// One clock for every age and count-down of the console: the server's time, once a second. Refuses a timer per component.
import { ref } from 'vue'

let skewMs = 0
/** The server's time in milliseconds, a new value every second. */
export const now = ref(Date.now())
setInterval(() => (now.value = Date.now() + skewMs), 1000)

/** The server says what time it is; small differences are the network's and are left. */
export function serverSaid(at: string): void {
  const skew = new Date(at).getTime() - Date.now()
  if (Math.abs(skew - skewMs) > 1000) skewMs = Math.abs(skew) > 1000 ? skew : 0
}
