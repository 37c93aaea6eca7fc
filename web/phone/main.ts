// The phone's screen: styles in their order (Vant's below ours), the pages, and the shell for basements. Refuses to wait for
// anything before the first picture.
import 'vant/es/style/base.css'
import 'vant/es/loading/index.css'
import 'vant/es/button/index.css'
import '@shared/tokens.css'
import '@shared/base.css'
import './phone.css'
import '@shared/theme'
import { loadAnew } from '@shared/upgrade'
import { createApp } from 'vue'
import App from './App.vue'
import { learnInstallation } from './frame/installation'
import { learnMe, maybeSignedIn } from './frame/me'
import { router } from './router'

// the reader of codes is a file of its own, fetched when the camera opens
window.addEventListener('vite:preloadError', () => loadAnew(location.href))
createApp(App).use(router).mount('#app')
void learnInstallation()
if (maybeSignedIn()) void learnMe()
if (import.meta.env.PROD) void navigator.serviceWorker?.register('/sw.js').catch(() => undefined)
