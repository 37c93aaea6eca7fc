// Whether the officer is of an authority: enterprises enter and suspend, they do not verify, withdraw or restore. The api decides;
// this only spares people a button that ends in a no.
import { computed, type ComputedRef } from 'vue'
import { useOfficer } from '../../stores/officer'

export function useAuthority(): ComputedRef<boolean> {
  const officer = useOfficer()
  return computed(() => officer.me !== null && !officer.me.scope.startsWith('enterprise'))
}
