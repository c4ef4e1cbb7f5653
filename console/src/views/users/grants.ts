import type { Role } from '@/api/roles'
import type { Grant, StandingGrant } from '@/api/users'
import { spoken } from '@/locales'

export function roleName(roles: readonly Role[], id: string): string {
  const role = roles.find((each) => each.id === id)
  return role ? (spoken() === 'en' && role.name_en) || role.name : id
}

export function grantedRole(roles: readonly Role[], grant: StandingGrant): string {
  const told = spoken() === 'en' ? grant.role_name_en || grant.role_name : grant.role_name
  return told || roleName(roles, grant.role)
}

/** A grant is complete when it says which role, and where unless that is everywhere. */
export function complete(grant: Grant): boolean {
  return Boolean(grant.role) && (grant.scope_kind === 'everything' || Boolean(grant.scope_value))
}

export function sameGrants(a: readonly Grant[], b: readonly Grant[]): boolean {
  const plain = (list: readonly Grant[]) => JSON.stringify(list.map((each) => [each.role, each.scope_kind, each.scope_value, each.expires_at ?? null]))
  return plain(a) === plain(b)
}
