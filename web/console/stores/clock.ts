// One clock for every age and count-down of the console: the server's time, once a second. Refuses a timer per component.
import { ref } from 'vue'

let skewMs = 0

/** The server's time at this moment, in milliseconds. */
export const serverNow = (): number => Date.now() + skewMs

/** The same, a new value every second. */
export const now = ref(serverNow())
setInterval(() => (now.value = serverNow()), 1000)

/** The server says what time it is; small differences are the network's and are left. */
export function serverSaid(at: string): void {
  const told = Date.parse(at) - Date.now()
  if (Math.abs(told - skewMs) > 2000) skewMs = told
}
