import { reactive } from 'vue'

/** One open question at a time: everybody who meets it waits for the same answer. */
export const question = reactive<{ open: boolean; answer: ((right: boolean) => void) | null }>({ open: false, answer: null })
let waiting: Promise<boolean> | null = null

export function askAgain(): Promise<boolean> {
  waiting ??= new Promise<boolean>((resolve) => {
    question.open = true
    question.answer = (right) => { question.open = false; question.answer = null; waiting = null; resolve(right) }
  })
  return waiting
}
