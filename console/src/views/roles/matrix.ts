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

/** The three administrators share no powers: an action may be held by roles of some classes only. */
export function allowed(role: Pick<Role, 'class'>, action: Pick<ActionWords, 'classes'>): boolean {
  return action.classes.includes(role.class)
}

export function toggled(actions: string[], action: string): string[] {
  return actions.includes(action) ? actions.filter((each) => each !== action) : [...actions, action].sort()
}
