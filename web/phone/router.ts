// The pages and their addresses. All of them load at once: a welder in a basement must not wait for a part of the page.
import { createRouter, createWebHistory } from 'vue-router'
import HomePage from './home/HomePage.vue'
import LostPage from './lost/LostPage.vue'
import MePage from './me/MePage.vue'
import ScanPage from './scan/ScanPage.vue'
import SessionPage from './session/SessionPage.vue'
import SignInPage from './sign-in/SignInPage.vue'
import StartPage from './start/StartPage.vue'
import VerifyPage from './verify/VerifyPage.vue'

export const router = createRouter({
  history: createWebHistory('/'),
  scrollBehavior: (_to, _from, kept) => kept ?? { top: 0 },
  routes: [
    { path: '/', name: 'home', component: HomePage },
    { path: '/scan', name: 'scan', component: ScanPage },
    { path: '/m/:plate', name: 'verify', component: VerifyPage },
    { path: '/sign-in', name: 'sign-in', component: SignInPage },
    { path: '/start/:plate', name: 'start', component: StartPage },
    { path: '/session/:unlock', name: 'session', component: SessionPage },
    { path: '/me', name: 'me', component: MePage },
    { path: '/:rest(.*)*', name: 'lost', component: LostPage },
  ],
})
