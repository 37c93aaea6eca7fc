// Keys of the console: one listener; pages add theirs with `useKeys` and the newest owner of a key has it. Refuses keys while
// somebody writes or a dialog is open, with a modifier, and when the switch is off (WCAG 2.1.4: single keys can be turned off).
import { onActivated, onBeforeUnmount, onDeactivated, onMounted, ref, watch } from 'vue'

type Keys = Record<string, (event: KeyboardEvent) => void>
const KEPT = 'weldgate.keys'
const owners: Keys[] = []

/** Whether single keys work; remembered. */
export const keysOn = ref(read() !== 'off')
watch(keysOn, (on) => {
  try {
    if (on) localStorage.removeItem(KEPT)
    else localStorage.setItem(KEPT, 'off')
  } catch {
    // private windows refuse: then it lasts as long as the page
  }
})

function read(): string | null {
  try {
    return localStorage.getItem(KEPT)
  } catch {
    return null
  }
}

/** Keys by `event.key` in lower case; `g x` is x after g. They hold while the component is on the screen. */
export function useKeys(keys: Keys): void {
  const take = () => {
    if (!owners.includes(keys)) owners.push(keys)
  }
  const give = () => {
    const at = owners.indexOf(keys)
    if (at >= 0) owners.splice(at, 1)
  }
  onMounted(take)
  onActivated(take)
  onDeactivated(give)
  onBeforeUnmount(give)
}

const SEQUENCE_MS = 1500
let leaderAt = 0

window.addEventListener('keydown', (event) => {
  if (!keysOn.value || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || busy(event)) return
  const key = event.key.toLowerCase()
  const led = event.timeStamp - leaderAt < SEQUENCE_MS && leaderAt > 0
  leaderAt = key === 'g' && !led ? event.timeStamp : 0
  if (leaderAt > 0) return
  const word = led ? `g ${key}` : key
  const act = [...owners].reverse().find((one) => word in one)?.[word]
  if (!act) return
  event.preventDefault()
  act(event)
})

// Writing, choosing in a list, a dialog, or a control that has Enter for itself.
function busy(event: KeyboardEvent): boolean {
  if (document.querySelector('dialog[open], [role="dialog"][aria-modal="true"]:not([style*="display: none"])')) return true
  const there = event.target instanceof Element ? event.target : null
  if (there?.closest('input, textarea, select, [contenteditable="true"], [role="listbox"]')) return true
  return (event.key === 'Enter' || event.key === ' ') && Boolean(there?.closest('a, button, summary, [tabindex="0"]'))
}
