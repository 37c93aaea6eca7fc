// The divisions in the officer's scope, asked once: names for codes, the tree for filters and breadcrumbs.
import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import { api, settle, type Shapes } from '@shared/client'
import { inWords } from '@shared/words'

export type Division = Shapes['DivisionView']

export const useDivisions = defineStore('divisions', () => {
  const list = shallowRef<Division[]>([])
  const byCode = computed(() => new Map(list.value.map((one) => [one.code, one])))
  /** The topmost divisions of the scope that have machines (all of them, when none has). */
  const fitted = computed(() => {
    const tops = list.value.filter((one) => one.parent === null)
    const found = tops.filter((one) => one.machines > 0)
    return found.length > 0 ? found : tops
  })

  /** Those right below a division (below the scope's top for null) that have machines, the largest first. */
  function below(code: string | null): Division[] {
    return list.value.filter((one) => one.parent === code && one.machines > 0).sort((a, b) => b.machines - a.machines)
  }

  async function load(): Promise<boolean> {
    const outcome = await settle<Shapes['DivisionList']>(api.GET('/api/v1/divisions'))
    if (outcome.kind === 'ok') list.value = outcome.data.divisions
    return outcome.kind === 'ok'
  }

  /** A division's name; its code where the scope does not hold it. */
  function name(code: string | null | undefined): string {
    if (!code) return ''
    return inWords(byCode.value.get(code)?.name) || code
  }

  /** It and those above it within the scope, the topmost first. */
  function path(code: string): Division[] {
    const found: Division[] = []
    for (let one = byCode.value.get(code); one; one = one.parent ? byCode.value.get(one.parent) : undefined) found.unshift(one)
    return found
  }

  return { list, byCode, fitted, below, load, name, path }
})
