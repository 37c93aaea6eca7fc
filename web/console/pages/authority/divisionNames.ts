// The names of all divisions down to counties, as the base map brings them: for people who choose one but see no machines, and so
// have no list in their own scope. Refuses to be the truth: the api says which of them are entered here.
import { computed, shallowRef } from 'vue'
import { language } from '@shared/words'

interface Named {
  code: string
  name_zh: string
  name_en: string
  parent: string | null
}
const SHOWN = 12
const list = shallowRef<Named[]>([])
const byCode = computed(() => new Map(list.value.map((one) => [one.code, one])))
let asked = false

/** Fetched with the first need; without it codes are typed and shown as they are. */
export function loadDivisionNames(): void {
  if (asked) return
  asked = true
  fetch('/map/divisions.json')
    .then(async (response) => (response.ok ? ((await response.json()) as Named[]) : []))
    .then((found) => (list.value = found))
    .catch(() => (asked = false))
}

/** 河南省 安阳市 文峰区; the code alone where it has no name here. */
export function divisionPath(code: string): string {
  const names: string[] = []
  for (let one = byCode.value.get(code); one; one = one.parent ? byCode.value.get(one.parent) : undefined) names.unshift(nameOf(one))
  return names.join(' ') || code
}

/** The few that fit what was typed: by the beginning of the code or a part of a name. */
export function divisionsLike(typed: string): { code: string; path: string }[] {
  const words = typed.trim().toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return []
  const fits = (one: Named) => words.every((word) => one.code.startsWith(word) || one.name_zh.includes(word) || one.name_en.toLowerCase().includes(word) || divisionPath(one.code).toLowerCase().includes(word))
  const found: Named[] = []
  for (const one of list.value) {
    if (fits(one) && found.push(one) === SHOWN) break
  }
  return found.map((one) => ({ code: one.code, path: divisionPath(one.code) }))
}

const nameOf = (one: Named) => (language.value === 'zh' ? one.name_zh : one.name_en)
