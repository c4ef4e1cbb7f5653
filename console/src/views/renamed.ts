import { ApiError } from '@/api/client'

/** Subjects share some codes of refusal; give those the names under which this subject's own words stand. */
export const renamed = (names: Record<string, string>) => (error: unknown): never => {
  const name = error instanceof ApiError ? names[error.code] : undefined
  throw error instanceof ApiError && name ? new ApiError(error.status, name, error.message, error.more) : error
}
