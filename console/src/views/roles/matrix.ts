import type { ActionWords, Role } from '@/api/roles'

export interface Subject { subject: string; actions: ActionWords[] }

/** Actions in the order given, under the word before their dot. */
export function subjects(actions: ActionWords[]): Subject[] {
  const found = new Map<string, ActionWords[]>()
  for (const each of actions) {
    const subject = each.action.split('.')[0] ?? ''
    found.set(subject, [...(found.get(subject) ?? []), each])
  }
  return [...found].map(([subject, list]) => ({ subject, actions: list }))
}

/** The three administrators share no powers: an action belongs to one class of people, or to all who may read. */
export function allowed(role: Pick<Role, 'class'>, action: Pick<ActionWords, 'class'>): boolean {
  return role.class === action.class || action.class === ('any' as string)
}

export function toggled(actions: string[], action: string): string[] {
  return actions.includes(action) ? actions.filter((each) => each !== action) : [...actions, action].sort()
}
