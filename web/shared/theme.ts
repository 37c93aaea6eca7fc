// Light or dark: the system's choice until the switch is used, then remembered. Only `data-theme` on html changes.
import { computed, ref, watch } from 'vue'

export type Theme = 'light' | 'dark'
export type ThemeChoice = Theme | 'system'
const KEPT = 'weldgate.theme'
const system = matchMedia('(prefers-color-scheme: dark)')
const systemDark = ref(system.matches)
system.addEventListener('change', (event) => (systemDark.value = event.matches))

function kept(): ThemeChoice {
  try {
    const word = localStorage.getItem(KEPT)
    return word === 'light' || word === 'dark' ? word : 'system'
  } catch {
    return 'system'
  }
}

export const themeChoice = ref<ThemeChoice>(kept())
export const theme = computed<Theme>(() =>
  themeChoice.value === 'system' ? (systemDark.value ? 'dark' : 'light') : themeChoice.value,
)

watch(theme, (now) => (document.documentElement.dataset.theme = now), { immediate: true, flush: 'sync' })
watch(themeChoice, (now) => {
  try {
    if (now === 'system') localStorage.removeItem(KEPT)
    else localStorage.setItem(KEPT, now)
  } catch {
    // private windows refuse: then it lasts as long as the page
  }
})

/** The value of a token as the page has it now, for canvases and charts. */
export function token(name: `--wg-${string}`): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim()
}
