import type { Change } from '@/api/types'
import type { Lane } from '@/api/vehicles'
import { merged } from './passage'

/** Each lane with the last vehicle it saw; lanes that saw nothing new stay the very same. */
export function seenBy(lanes: readonly Lane[], changes: readonly Change[]): Lane[] {
  return lanes.map((lane) => {
    const ours = changes.filter((each) => each.body.device_id === lane.device_id && (each.kind === 'passage' || each.body.kind === 'watch_list'))
    if (!ours.length) return lane
    return { ...lane, last: merged(lane.last ? [lane.last] : [], ours, 1)[0] ?? null }
  })
}
