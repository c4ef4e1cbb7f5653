import type { Same } from './same'
import type { pagesZh } from './pages.zh'

export const pagesEn: Same<typeof pagesZh> = {}
