import type { Certificate, Device, ViidAccess } from '@/api/devices'

export const PLAIN = ['unit', 'contact', 'maker', 'model', 'serial', 'address'] as const
const WORDS = ['capture_class', 'position', 'position_type', 'direction', ...PLAIN, 'note', 'passes'] as const

export interface DeviceForm extends Record<(typeof WORDS)[number], string> {
  kind: string; name: string; protocol: string; account: string; code: string; place_id: string
  supervision_s: number | null; save_days: number | null; longitude: number | null; latitude: number | null; certificate: Certificate; viid: ViidAccess
}

const access = (): ViidAccess => ({ user: '', addresses: [], every_request: false, strict: false, created: false, text_status: false })

export function blank(): DeviceForm {
  const words = Object.fromEntries(WORDS.map((each) => [each, ''])) as Record<(typeof WORDS)[number], string>
  const none = { supervision_s: null, save_days: null, longitude: null, latitude: null }
  return { kind: '', name: '', protocol: '', account: '', code: '', place_id: '', ...words, ...none, certificate: { number: '', issuer: '', expires_on: null }, viid: access() }
}

export function formOf(device: Device): DeviceForm {
  const form = blank()
  const known = Object.fromEntries(Object.keys(form).filter((key) => device[key as keyof Device] != null).map((key) => [key, device[key as keyof Device]]))
  return { ...form, ...known, certificate: { ...form.certificate, ...device.certificate }, viid: { ...form.viid, ...device.viid } }
}

/** What is asked of the server; of a known device only what changed. ``credential``: null keeps it, '' ends it. */
export function requestOf(form: DeviceForm, credential: string | null, device: Device | null): Record<string, unknown> {
  const before: DeviceForm | null = device ? formOf(device) : null
  const trimmed = Object.entries(form).map(([key, value]) => [key, typeof value === 'string' ? value.trim() : value] as const)
  const changed = trimmed.filter(([key, value]) => !before || JSON.stringify(before[key as keyof DeviceForm]) !== JSON.stringify(value))
  return { ...Object.fromEntries(changed), ...(credential === null ? {} : { credential }), ...(device ? { version: device.version } : {}) }
}
