// The shell for basements: a reload without a link shows the page and the session it last knew, not the browser's error.
// The index comes from the network first, hashed assets from the cache first. Refuses to keep anything of /api.
const SHELL = 'weldgate-shell-1'
const PATIENCE_MS = 4000
const NOT_OURS = /^\/(api|health|map|console)(\/|$)/
const ASSET = /\/assets\/[\w.-]+\.(?:js|css)/g

self.addEventListener('install', (event) => event.waitUntil(index().then(() => self.skipWaiting())))

self.addEventListener('activate', (event) => event.waitUntil(forgetOthers().then(() => self.clients.claim())))

self.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url)
  if (event.request.method !== 'GET' || url.origin !== location.origin || NOT_OURS.test(url.pathname)) return
  if (event.request.mode === 'navigate') event.respondWith(page())
  else if (url.pathname.startsWith('/assets/')) event.respondWith(asset(event.request))
})

async function page() {
  const kept = await caches.match('/', { cacheName: SHELL })
  if (!kept) return index()
  const slow = new Promise((done) => setTimeout(() => done(kept), PATIENCE_MS))
  return Promise.race([index().catch(() => kept), slow])
}

// One index for every address of the screen, and with it exactly the assets that it names.
async function index() {
  const answer = await fetch('/', { cache: 'no-store' })
  if (!answer.ok) throw new Error(`the index answers ${answer.status}`)
  const cache = await caches.open(SHELL)
  const before = await cache.match('/')
  const named = [...new Set((await answer.clone().text()).match(ASSET))]
  // The page that is open may be the one of before: its files stay until the next upgrade.
  const old = before ? (await before.clone().text()).match(ASSET) ?? [] : []
  await Promise.all(named.map(async (one) => (await cache.match(one)) ?? cache.add(one)))
  await cache.put('/', answer.clone())
  for (const kept of await cache.keys()) {
    const path = new URL(kept.url).pathname
    if (path !== '/' && !named.includes(path) && !old.includes(path)) await cache.delete(kept)
  }
  return answer
}

async function asset(request) {
  return (await caches.match(request, { cacheName: SHELL })) ?? fetch(request)
}

async function forgetOthers() {
  for (const name of await caches.keys()) if (name !== SHELL) await caches.delete(name)
}
