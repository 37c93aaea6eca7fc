// Words of a screen in Chinese and English: a table a screen, keys in dots, `{name}` filled in. Refuses missing keys: the
// type of the Chinese table is the type of the English one, so a hole does not compile.
import { ref, watch } from 'vue'

export type Language = 'zh' | 'en'
const KEPT = 'weldgate.language'

function first(): Language {
  const asked = new URLSearchParams(location.search).get('lang')
  const kept = asked ?? kept_()
  if (kept === 'zh' || kept === 'en') return kept
  return navigator.language.toLowerCase().startsWith('zh') || !navigator.language ? 'zh' : 'en'
}

function kept_(): string | null {
  try {
    return localStorage.getItem(KEPT)
  } catch {
    return null
  }
}

/** The language of every screen; setting it redraws and is remembered. */
export const language = ref<Language>(first())

watch(
  language,
  (now) => {
    document.documentElement.lang = now === 'zh' ? 'zh-CN' : 'en'
    try {
      localStorage.setItem(KEPT, now)
    } catch {
      // private windows refuse: then it lasts as long as the page
    }
  },
  { immediate: true, flush: 'sync' },
)

export type Filling = Record<string, string | number>

/** The words of one screen: `const t = wordsOf(zh, en); t('key', { n: 3 })`. Both tables have the same keys. */
export function wordsOf<Key extends string>(zh: Record<Key, string>, en: Record<NoInfer<Key>, string>) {
  return (key: Key, filling: Filling = {}): string => fill((language.value === 'zh' ? zh : en)[key], filling)
}

/** The same in the language of the screen, from a pair that the api sent. */
export function inWords(pair: { zh: string; en: string } | null | undefined): string {
  return pair ? pair[language.value] : ''
}

function fill(text: string, filling: Filling): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (name in filling ? String(filling[name]) : whole))
}
