import { address, get, type Query } from './client'

export type Subject = 'alarms' | 'sightings' | 'statistics' | 'passages'
export type Form = 'csv' | 'xlsx'

/** Vehicles have their export beside their search. */
const base = (subject: Subject) => (subject === 'passages' ? '/api/vehicles/export' : `/api/exports/${subject}`)
/** How many rows a file would hold, said before it is asked for. */
export const size = (subject: Subject, query: Query) => get<{ rows: number; most: number }>(base(subject), query)
export const path = (subject: Subject, form: Form, query: Query) => address(`${base(subject)}.${form}`, query)
