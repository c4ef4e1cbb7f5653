/** The same strength rules as the server's, so that a person sees them while typing. The server decides. */
export interface Rules { length: number; classes: number }
export const DEFAULT_RULES: Rules = { length: 10, classes: 3 }

export function rulesFrom(policies: Record<string, unknown> | undefined): Rules {
  const number = (key: string, fallback: number) => (typeof policies?.[key] === 'number' ? (policies[key] as number) : fallback)
  return { length: number('password_least_length', DEFAULT_RULES.length), classes: number('password_least_classes', DEFAULT_RULES.classes) }
}

const CLASSES = [/[a-z]/, /[A-Z]/, /\d/, /[^a-zA-Z0-9]/]
const COMMON = new Set(['password', 'passw0rd', '123456789', 'qwerty', 'admin', 'administrator', 'root', 'anju', 'welcome', 'iloveyou', 'woaini', 'letmein', 'test', 'guest', 'security'])
const ASCII = /^[\x20-\x7e]*$/
const contains = (folded: string, name: string) => name.length >= (ASCII.test(name) ? 3 : 2) && folded.includes(name)

export interface Check { rule: 'length' | 'classes' | 'name' | 'common'; met: boolean }
export function checks(password: string, rules: Rules, names: readonly string[]): Check[] {
  const folded = password.toLowerCase()
  const repeats = password !== '' && new Set(folded).size < 5
  return [
    { rule: 'length', met: [...password].length >= rules.length },
    { rule: 'classes', met: CLASSES.filter((each) => each.test(password)).length >= rules.classes },
    { rule: 'name', met: !names.some((each) => contains(folded, each.trim().toLowerCase())) },
    { rule: 'common', met: !repeats && !COMMON.has(folded) && !COMMON.has(folded.replace(/[^\p{L}]+$/u, '')) },
  ]
}
export const meets = (password: string, rules: Rules, names: readonly string[]): boolean => checks(password, rules, names).every((each) => each.met)
