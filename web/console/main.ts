import 'element-plus/theme-chalk/base.css'
import '@shared/tokens.css'
import '@shared/base.css'
import './element.css'
import './controls.css'
import './table.css'
import '@shared/theme'
import { createPinia } from 'pinia'
import { createApp } from 'vue'
import App from './App.vue'
import { router, titleFollows } from './router'
import { useInstallation } from './stores/installation'

// The map is the usual first page and its script the largest: it comes while we ask who sits here.
if (location.pathname === import.meta.env.BASE_URL) void import('./pages/map/MapPage.vue')

createApp(App).use(createPinia()).use(router).mount('#app')
void useInstallation().load()
titleFollows()
