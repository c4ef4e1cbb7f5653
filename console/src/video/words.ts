/** Why there is no picture, in the language of the page. */
import type { Said } from '@/api/video'
import { i18n, say, spoken, type Key } from '@/locales'

export const codecName = (codec: string): string => (/^(hev1|hvc1)/.test(codec) ? 'H.265' : /^avc/.test(codec) ? 'H.264' : codec)

/** The server's words where it sent some; else ours for its code. */
export function whyText(code: string, words: Said | null, codec = ''): string {
  if (words) return words[spoken()]
  const key = `video.reason.${code}`
  return i18n.global.te(key, 'zh') ? say(key as Key, { codec: codecName(codec) }) : code
}
