import { createRouter, createWebHashHistory, type RouteLocationNormalized } from 'vue-router'

import * as api from '@/api/session'
import { useSession } from '@/stores/session'
import { PAGES } from './pages'

export const router = createRouter({
  history: createWebHashHistory(),
  routes: [
    { path: '/setup', name: 'setup', component: () => import('@/views/setup/SetupPage.vue'), meta: { open: true } },
    { path: '/login', name: 'login', component: () => import('@/views/login/LoginPage.vue'), meta: { open: true } },
    {
      path: '/', component: () => import('@/views/shell/ShellFrame.vue'), redirect: '/home',
      children: [
        ...PAGES.map((each) => ({ path: each.path, name: each.name, component: each.component, meta: { action: each.action, title: each.title } })),
        { path: ':rest(.*)*', name: 'absent', component: () => import('@/views/shell/AbsentPage.vue') },
      ],
    },
  ],
})

let asked = false

/** Whether the node still waits for its administrators; asked once, and only while nobody is logged in. */
async function waitsForSetup(): Promise<boolean> {
  if (asked) return false
  asked = true
  return api.setupNeeded().then((found) => found.needed, () => false)
}

export async function admit(to: RouteLocationNormalized) {
  const session = useSession()
  if (to.meta.open) return true
  await session.ready()
  if (session.view) return true
  if (await waitsForSetup()) return { name: 'setup' }
  return { name: 'login', query: to.fullPath === '/home' ? {} : { next: to.fullPath } }
}
router.beforeEach(admit)
