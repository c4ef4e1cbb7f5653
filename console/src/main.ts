import '@fontsource-variable/noto-sans-sc/index.css'
import '@/theme/tokens.css'
import '@/theme/base.css'

import { createPinia } from 'pinia'
import { createApp } from 'vue'

import App from './App.vue'
import { i18n } from './locales'
import { router } from './router'
import { useSession } from './stores/session'

const app = createApp(App).use(createPinia()).use(i18n)
useSession().apply()
app.use(router).mount('#app')
