/** The words shared with the server; the server's JSON names are kept as they are. */
export type Level = 1 | 2 | 3 | 4
export type AlarmState = 'new' | 'acknowledged' | 'handling' | 'to_review' | 'closed'
export interface Person { id: string; name: string; node?: string; tier?: string; kind?: string }
export interface Alarm {
  id: string; raised_at: string; site_id: string; site_name?: string; place_id: string; place_path: string
  place_name: string; device_id: string; device_name: string; zone?: string | null; zone_name?: string | null
  kind: string; code?: string | null; level: Level; state: AlarmState; returned: boolean
  ended_by: 'device' | 'timeout' | 'operator' | null; active: boolean; shelved_until: string | null
  bypassed: boolean; drill: boolean; owner: Person | null; joined: Person[]; finding: string | null; note: string
  count: number; last_at: string; event_id?: string | null; acknowledged_at: string | null; closed_at: string | null
  undo_until: string | null; review: { by: Person | string; verdict: string; note: string; at: string } | null
  escalation: number; storm_key: string | null; home_node: string; version: number; flags: string[]
  unsaved?: boolean
}
export interface AlarmStep {
  id: string; alarm_id: string; at: string; version: number; action: string; by: Person | null
  from?: string | null; to?: string | null; finding?: string | null; note?: string | null
}
export interface AlarmDetail extends Alarm { steps?: AlarmStep[]; event?: Record<string, unknown> | null }
export interface Change { kind: string; id: string; version: number; operation: string; body: Record<string, unknown> }
export interface Page<T> { items: T[]; next: string | null }
export interface Backlog { alarms: number; bulk: number }
export interface Upper {
  node?: string; name?: string; url?: string; fingerprint?: string; state: string; reason: string | null
  delay_s: number | null; backlog: Backlog; last_ack_at: string | null; paired_at?: string | null
}
export interface Account {
  id: string; name: string; username: string; class?: string; roles: string[]; actions: string[]
  language: 'zh' | 'en' | null; theme: 'dark' | 'light' | null
  layout?: Record<string, unknown>; must_change?: boolean; totp?: boolean
}
export interface SessionView {
  account: Account; node: { id: string; name: string; tier: 'community' | 'county' | 'city' }
  locked: boolean; policies: { idle_minutes?: number } & Record<string, unknown>; reauthenticated?: boolean
}
export type Row = Record<string, unknown> & { id?: string }
