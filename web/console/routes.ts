// The console's addresses. Every page is loaded when it is first asked for. `key` is the second key after `g`; `right` hides
// a page from officers who could not use it. Refuses page state outside addresses: what is open is in the path or the query.
import type { RouteRecordRaw } from 'vue-router'
import type { Right } from './stores/officer'

declare module 'vue-router' {
  interface RouteMeta {
    /** Key of the page's name in shell/words.ts. */
    name?: 'map' | 'alerts' | 'machines' | 'sessions' | 'workers' | 'endpoints' | 'deliveries' | 'quarantine' | 'plates' | 'signIn' | 'help' | 'lost'
      | 'enterprises' | 'certificates' | 'imports' | 'divisions'
      | 'officers' | 'roles' | 'departments' | 'accessKeys' | 'audit' | 'security' | 'enrol'
    /** Whether it opens without a sign-in. */
    open?: boolean
    right?: Right
  }
}

export const routes: RouteRecordRaw[] = [
  { path: '/', name: 'map', component: () => import('./pages/map/MapPage.vue'), meta: { name: 'map', right: 'machines:read' } },
  { path: '/alerts/:id?', name: 'alerts', component: () => import('./pages/alerts/AlertsPage.vue'), meta: { name: 'alerts', right: 'alerts:read' } },
  { path: '/machines', name: 'machines', component: () => import('./pages/machines/MachinesPage.vue'), meta: { name: 'machines', right: 'machines:read' } },
  { path: '/machines/:plate', name: 'machine', component: () => import('./pages/machines/MachinePage.vue'), meta: { name: 'machines', right: 'machines:read' } },
  { path: '/sessions', name: 'sessions', component: () => import('./pages/sessions/SessionsPage.vue'), meta: { name: 'sessions', right: 'sessions:read' } },
  { path: '/workers', name: 'workers', component: () => import('./pages/workers/WorkersPage.vue'), meta: { name: 'workers', right: 'workers:read' } },
  { path: '/workers/:id', name: 'worker', component: () => import('./pages/workers/WorkerPage.vue'), meta: { name: 'workers', right: 'workers:read' } },
  { path: '/certificates', name: 'certificates', component: () => import('./pages/certificates/ExpiryPage.vue'), meta: { name: 'certificates', right: 'workers:read' } },
  { path: '/enterprises', name: 'enterprises', component: () => import('./pages/enterprises/EnterprisesPage.vue'), meta: { name: 'enterprises', right: 'enterprises:read' } },
  { path: '/enterprises/:id', name: 'enterprise', component: () => import('./pages/enterprises/EnterprisePage.vue'), meta: { name: 'enterprises', right: 'enterprises:read' } },
  { path: '/imports', name: 'imports', component: () => import('./pages/imports/ImportsPage.vue'), meta: { name: 'imports', right: 'registers:write' } },
  { path: '/imports/:id', name: 'import', component: () => import('./pages/imports/ImportPage.vue'), meta: { name: 'imports', right: 'registers:write' } },
  { path: '/divisions', name: 'divisions', component: () => import('./pages/divisions/DivisionsPage.vue'), meta: { name: 'divisions', right: 'machines:read' } },
  { path: '/endpoints', name: 'endpoints', component: () => import('./pages/endpoints/EndpointsPage.vue'), meta: { name: 'endpoints', right: 'deliveries:read' } },
  { path: '/deliveries/:id?', name: 'deliveries', component: () => import('./pages/deliveries/DeliveriesPage.vue'), meta: { name: 'deliveries', right: 'deliveries:read' } },
  { path: '/quarantine', name: 'quarantine', component: () => import('./pages/quarantine/QuarantinePage.vue'), meta: { name: 'quarantine', right: 'quarantine:read' } },
  { path: '/plates', name: 'plates', component: () => import('./pages/plates/PlatesPage.vue'), meta: { name: 'plates', right: 'plates:print' } },
  { path: '/officers', name: 'officers', component: () => import('./pages/officers/OfficersPage.vue'), meta: { name: 'officers', right: 'officers:read' } },
  { path: '/officers/:id', name: 'officer', component: () => import('./pages/officers/OfficerPage.vue'), meta: { name: 'officers', right: 'officers:read' } },
  { path: '/roles', name: 'roles', component: () => import('./pages/officers/RolesPage.vue'), meta: { name: 'roles', right: 'officers:read' } },
  { path: '/departments', name: 'departments', component: () => import('./pages/departments/DepartmentsPage.vue'), meta: { name: 'departments', right: 'departments:write' } },
  { path: '/keys', name: 'keys', component: () => import('./pages/keys/KeysPage.vue'), meta: { name: 'accessKeys', right: 'keys:write' } },
  { path: '/audit', name: 'audit', component: () => import('./pages/audit/AuditPage.vue'), meta: { name: 'audit', right: 'audit:read' } },
  { path: '/security', name: 'security', component: () => import('./pages/security/SecurityPage.vue'), meta: { name: 'security' } },
  { path: '/enrol', name: 'enrol', component: () => import('./pages/enrol/EnrolPage.vue'), meta: { name: 'enrol', open: true } },
  { path: '/sign-in', name: 'sign-in', component: () => import('./pages/sign-in/SignInPage.vue'), meta: { name: 'signIn', open: true } },
  { path: '/help', name: 'help', component: () => import('./pages/help/HelpPage.vue'), meta: { name: 'help', open: true } },
  { path: '/:rest(.*)*', name: 'lost', component: () => import('./pages/lost/LostPage.vue'), meta: { name: 'lost', open: true } },
]
