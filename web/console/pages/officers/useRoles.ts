// Every role that an account can hold, asked once for all pages: names, rights, over what it may be given.
import { onScopeDispose, shallowRef } from 'vue'
import { api, settle, type Shapes } from '@shared/client'
import { inWords } from '@shared/words'

export type RoleKind = Shapes['RoleKind']
const kinds = shallowRef<RoleKind[]>([])

export function useRoles() {
  let wanted = true
  onScopeDispose(() => (wanted = false))
  if (kinds.value.length === 0) {
    void settle<Shapes['RoleList']>(api.GET('/api/v1/roles')).then((outcome) => {
      if (wanted && outcome.kind === 'ok') kinds.value = outcome.data.roles
    })
  }
  const roleName = (role: string): string => inWords(kinds.value.find((one) => one.role === role)?.name) || role
  return { kinds, roleName }
}
