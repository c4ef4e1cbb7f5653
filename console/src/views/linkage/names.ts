import { computed, onMounted, shallowRef } from 'vue'

import * as deviceApi from '@/api/devices'
import type { Device } from '@/api/devices'
import * as placeApi from '@/api/places'
import type { Place } from '@/api/places'
import { useSession } from '@/stores/session'
import type { Names } from './rule'

const MOST = 200

/** Names of what rules speak of; an id nobody may see the name of stays an id. */
export function useNames() {
  const session = useSession()
  const devices = shallowRef<Device[]>([])
  const places = shallowRef<Place[]>([])
  onMounted(() => {
    if (session.can('devices.read')) deviceApi.list({ limit: MOST }).then((found) => { devices.value = found.items }, () => undefined)
    if (session.can('places.read')) placeApi.flat().then((found) => { places.value = found }, () => undefined)
  })
  const names = computed<Names>(() => {
    const known = { places: new Map(places.value.map((each) => [each.id, each.name])), devices: new Map(devices.value.map((each) => [each.id, each.name])) }
    return { place: (id) => known.places.get(id) ?? id, device: (id) => known.devices.get(id) ?? id }
  })
  return { devices, places, names }
}
