import { spoken } from '@/locales'

/** What the server says in both languages, in the language of the page. */
export const told = (words: { zh: string; en: string } | null | undefined): string => (words ? words[spoken()] : '')
