// What is chosen on a page stands in its address: filters as query words, so that a link shows what its sender saw.
// Refuses words outside a closed list where there is one.
import { computed, type WritableComputedRef } from 'vue'
import { useRoute, useRouter } from 'vue-router'

/** One word of the query; '' where it is absent. Setting it replaces the address and adds no step to the history. */
export function useQuery<Word extends string = string>(name: string, words?: readonly Word[]): WritableComputedRef<Word | ''> {
  const route = useRoute()
  const router = useRouter()
  return computed({
    get: () => {
      const asked = route.query[name]
      const word = (typeof asked === 'string' ? asked : '') as Word | ''
      return words && word !== '' && !words.includes(word) ? '' : word
    },
    set: (word) => void router.replace({ query: { ...route.query, [name]: word || undefined }, hash: route.hash }),
  })
}
