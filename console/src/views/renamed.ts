import { ApiError } from '@/api/client'

/** Subjects share some codes of refusal; give this one the name under which its own words stand. */
export const renamed = (code: string, name: string) => (error: unknown): never => {
  throw error instanceof ApiError && error.code === code ? new ApiError(error.status, name, error.message, error.more) : error
}
