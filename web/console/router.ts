// The way to a page: who is not signed in signs in first and comes back to where he wanted; title and focus follow the page.
// Refuses to lead to other hosts after a sign-in.
import { nextTick, ref, watch } from 'vue'
import { createRouter, createWebHistory, type RouteLocationNormalized } from 'vue-router'
import { api } from '@shared/client'
import { loadAnew } from '@shared/upgrade'
import { language } from '@shared/words'
import { routes } from './routes'
import { PAGES } from './shell/pages'
import { t } from './shell/words'
import { useDivisions } from './stores/divisions'
import { useInstallation } from './stores/installation'
import { useLive } from './stores/live'
import { useOfficer } from './stores/officer'
import { AGAIN_MS } from './useLoad'

/** Nobody answered whether we are signed in; asked again by itself. */
export const unreachable = ref(false)

export const router = createRouter({ history: createWebHistory(import.meta.env.BASE_URL), routes })

/** Where a sign-in leads back to: an address of ours. */
export function ownPath(asked: unknown): string {
  return typeof asked === 'string' && /^\/(?![/\\])/.test(asked) ? asked : '/'
}

router.beforeEach(async (to) => {
  if (to.name === 'sign-in' || to.name === 'enrol') return true
  const officer = useOfficer()
  if (officer.me === null && !(await known())) return to.meta.open ? true : signInFor(to)
  begin()
  return to.name === 'map' && officer.me !== null && !officer.can('machines:read') ? ownFirst() : true
})

// Who sees no machines starts at the first page that is his.
function ownFirst() {
  const page = PAGES.find((one) => useOfficer().can(one.right))
  return page?.path ?? { name: 'security' }
}

// Whether somebody is signed in; waits for as long as nobody answers.
async function known(): Promise<boolean> {
  for (;;) {
    const outcome = await useOfficer().load()
    unreachable.value = outcome.kind === 'offline' || (outcome.kind === 'no' && outcome.status >= 500)
    if (!unreachable.value) return outcome.kind === 'ok'
    await new Promise((done) => setTimeout(done, AGAIN_MS))
  }
}

const signInFor = (to: RouteLocationNormalized) => ({ name: 'sign-in', query: to.fullPath === '/' ? {} : { return: to.fullPath } })

let begunFor = ''
// What all pages need, once for each who signs in.
function begin(): void {
  const { me, can } = useOfficer()
  if (me === null || !can('machines:read')) return
  useLive().connect()
  if (me.officer === begunFor) return
  begunFor = me.officer
  void useDivisions().load()
}

// The cookie ended somewhere else: from any call the way leads to the sign-in and back.
api.use({
  onResponse({ response, request }) {
    if (response.status !== 401 || new URL(request.url).pathname.startsWith('/api/v1/staff/')) return
    useOfficer().forget()
    useLive().disconnect()
    const here = router.currentRoute.value
    if (here.name !== 'sign-in') void router.push(signInFor(here))
  },
})

router.onError((_error, to) => loadAnew(router.resolve(to.fullPath).href))

router.afterEach((to, from) => {
  void nextTick(() => {
    if (from.name === undefined || from.name === null || to.name === from.name) return
    const title = document.querySelector<HTMLElement>('[data-page-title]') ?? document.getElementById('content')
    title?.focus({ preventScroll: true })
  })
})

// The pages that a map and a list lead to are fetched when nothing else is to do: a click on an alert waits for nothing.
void router.isReady().then(() => {
  const fetchOne = (name: string) => (routes.find((one) => one.name === name)?.component as () => Promise<unknown>)()
  // without a link there is nothing to fetch now; the click will ask again
  const fetch = () => ['alerts', 'machine'].forEach((name) => void fetchOne(name).catch(() => undefined))
  if ('requestIdleCallback' in window) requestIdleCallback(fetch)
  else setTimeout(fetch, 4_000)
})

/** The tab's title: how many wait, the page, the installation. */
export function titleFollows(): void {
  const [live, installation] = [useLive(), useInstallation()]
  const title = () => {
    const page = router.currentRoute.value.meta.name
    const waiting = live.unsigned > 0 ? `(${live.unsigned}) ` : ''
    return [page ? waiting + t(page) : '', installation.told?.name || t('product')].filter(Boolean).join(' · ')
  }
  watch([router.currentRoute, () => live.unsigned, () => installation.told, language], () => (document.title = title()), { immediate: true })
}
