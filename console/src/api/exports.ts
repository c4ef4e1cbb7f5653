import { address, get, type Query } from './client'

export type Subject = 'alarms' | 'sightings' | 'statistics'
export type Form = 'csv' | 'xlsx'
/** How many rows a file would hold, said before it is asked for. */
export const size = (subject: Subject, query: Query) => get<{ rows: number; most: number }>(`/api/exports/${subject}`, query)
export const path = (subject: Subject, form: Form, query: Query) => address(`/api/exports/${subject}.${form}`, query)
