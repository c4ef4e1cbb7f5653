/** One door to the server: JSON in, JSON out, refusals as one error class. */
const PATIENCE_MS = 15_000

export class ApiError extends Error {
  constructor(readonly status: number, readonly code: string, message: string) { super(message) }
}

export type Query = Record<string, string | number | boolean | null | undefined>

export function address(path: string, query: Query = {}): string {
  const kept = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== '')
  const text = new URLSearchParams(kept.map(([key, value]) => [key, String(value)])).toString()
  return text ? `${path}?${text}` : path
}

function parsed(text: string): unknown {
  try { return text ? JSON.parse(text) : null } catch { return null }
}

async function send<T>(method: string, path: string, body?: unknown): Promise<T> {
  let answer: Response
  try {
    answer = await fetch(path, {
      method, credentials: 'same-origin', signal: AbortSignal.timeout(PATIENCE_MS),
      headers: { 'X-Anju': '1', ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
      body: body === undefined ? undefined : JSON.stringify(body),
    })
  } catch {
    throw new ApiError(0, 'unreachable', '')
  }
  const text = await answer.text()
  const json = parsed(text)
  if (answer.ok) return json as T
  const refusal = (json ?? {}) as { code?: string; message?: string }
  throw new ApiError(answer.status, refusal.code ?? String(answer.status), refusal.message ?? '')
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
