// The session that this phone last knew, over reloads and without a link: ids, times and the last reading, nothing personal.
// Refuses to be the truth: pages show it with its age until the platform speaks.
import { computed, shallowRef } from 'vue'
import type { Shapes } from '@shared/client'
import { drawer } from '../frame/drawer'
import { now } from '../frame/now'

export interface Kept {
  unlock: Shapes['Unlock']
  bursts: Shapes['Burst'][]
  /** When the platform last spoke of it. */
  told_at: number
}

const OVER = new Set<Shapes['Unlock']['state']>(['ended', 'refused', 'expired'])
/** The contact's word may come a little after the end. */
const LATE_WORD_MS = 10_000
const box = drawer<Kept>('local', 'session')
const kept = shallowRef<Kept | null>(box.read())

export function keptOf(unlock: string): Kept | null {
  return kept.value?.unlock.id === unlock ? kept.value : null
}

export function keep(one: Kept): void {
  kept.value = one
  box.keep(one)
}

export function forget(): void {
  kept.value = null
  box.empty()
}

/** The permission that is live as far as this phone knows, and the page that it belongs to. */
export const live = computed(() => {
  const one = kept.value?.unlock
  if (!one || isOver(one)) return null
  const on = one.state === 'closed'
  const until = Date.parse((on ? one.ends_at : one.click_before) ?? one.ends_at)
  if (until + LATE_WORD_MS < now.value) return null
  return { on, plate: one.plate, to: on ? `/session/${one.id}` : `/start/${one.plate}`, id: one.id }
})

export function isOver(unlock: Shapes['Unlock']): boolean {
  return OVER.has(unlock.state)
}
