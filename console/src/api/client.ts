/** One door to the server: JSON in, JSON out, refusals as one error class. */
const PATIENCE_MS = 15_000, FILE_PATIENCE_MS = 180_000

export interface FieldError { field: string; message: string }

export class ApiError extends Error {
  constructor(
    readonly status: number, readonly code: string, message: string, readonly more: Record<string, unknown> = {},
  ) { super(message) }

  /** What is wrong with which field, where the server said so. */
  get fields(): FieldError[] { return (this.more.fields as FieldError[] | undefined) ?? [] }
}

/** What the page does when the server wants to know again who sits there, or knows nobody any more. */
export interface Doorman {
  /** Ask for the password; resolves to whether it was right. */
  reauthenticate(): Promise<boolean>
  loggedOut(): void
  locked(): void
}
let doorman: Doorman | null = null
export function setDoorman(next: Doorman | null): void { doorman = next }

export type Query = Record<string, string | number | boolean | null | undefined>

export function address(path: string, query: Query = {}): string {
  const kept = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== '')
  const text = new URLSearchParams(kept.map(([key, value]) => [key, String(value)])).toString()
  return text ? `${path}?${text}` : path
}

function parsed(text: string): unknown {
  try { return text ? JSON.parse(text) : null } catch { return null }
}

async function ask(method: string, path: string, body: unknown, patience: number): Promise<Response> {
  const file = body instanceof Blob
  try {
    return await fetch(path, {
      method, credentials: 'same-origin', signal: AbortSignal.timeout(patience),
      headers: { 'X-Anju': '1', ...(body === undefined ? {} : { 'Content-Type': file ? 'application/octet-stream' : 'application/json' }) },
      body: body === undefined ? undefined : file ? body : JSON.stringify(body),
    })
  } catch {
    throw new ApiError(0, 'unreachable', '')
  }
}

function refusal(status: number, json: unknown): ApiError {
  const { code, message, ...more } = (json ?? {}) as { code?: string; message?: string }
  return new ApiError(status, code ?? String(status), message ?? '', more)
}

/** An answer that is no refusal; a refusal for want of a fresh password is asked again once. */
async function knock(method: string, path: string, body?: unknown, patience = PATIENCE_MS, again = true): Promise<Response> {
  const answer = await ask(method, path, body, patience)
  if (answer.ok) return answer
  const error = refusal(answer.status, parsed(await answer.text()))
  if (error.code === 'reauthenticate' && again && (await doorman?.reauthenticate())) return knock(method, path, body, patience, false)
  if (error.code === 'no_session') doorman?.loggedOut()
  if (error.code === 'locked') doorman?.locked()
  throw error
}

async function send<T>(method: string, path: string, body?: unknown): Promise<T> {
  return parsed(await (await knock(method, path, body)).text()) as T
}

export const get = <T>(path: string, query?: Query) => send<T>('GET', address(path, query))
export const post = <T>(path: string, body: unknown = {}) => send<T>('POST', path, body)
export const put = <T>(path: string, body: unknown) => send<T>('PUT', path, body)
export const patch = <T>(path: string, body: unknown) => send<T>('PATCH', path, body)
export const remove = <T>(path: string) => send<T>('DELETE', path)

/** Lists come as a page; a bare array is a page without a next one. */
export async function page<T>(path: string, query?: Query): Promise<{ items: T[]; next: string | null }> {
  const found = await get<{ items: T[]; next?: string | null } | T[]>(path, query)
  return Array.isArray(found) ? { items: found, next: null } : { items: found.items ?? [], next: found.next ?? null }
}

/** Fetch a file; the server says in a header how many rows it holds. With a body it is asked for by POST. */
export async function download(path: string, body?: unknown): Promise<{ file: Blob; rows: number | null }> {
  const answer = await knock(body === undefined ? 'GET' : 'POST', path, body, FILE_PATIENCE_MS)
  const rows = answer.headers.get('X-Anju-Rows')
  return { file: await answer.blob(), rows: rows === null ? null : Number(rows) }
}

/** Send a file as it is. */
export async function upload<T>(path: string, file: Blob): Promise<T> {
  return parsed(await (await knock('POST', path, file, FILE_PATIENCE_MS)).text()) as T
}
