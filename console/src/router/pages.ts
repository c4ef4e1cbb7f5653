/** Every page inside the frame, in the fixed order of the rail: a role hides items, it never reorders them. */
import { Aim, Bell, Box, Camera, Coin, Connection, Cpu, DataAnalysis, Document, Film, FolderChecked, Histogram, Key as KeyIcon, MapLocation, Notebook, Odometer, OfficeBuilding, Setting, Share, Switch, Upload, User, Van, VideoCamera } from '@element-plus/icons-vue'
import type { Component } from 'vue'

import type { Key } from '@/locales'

/** The rail's items; one without a page the account may see is hidden. */
export const SECTIONS = [
  'overview', 'live', 'alarms', 'map', 'playback', 'doors', 'vehicles', 'visitors', 'fire', 'people', 'operations',
  'acceptance', 'statistics', 'system',
] as const
export type Section = (typeof SECTIONS)[number]
export type Tier = 'community' | 'county' | 'city'

export interface PageEntry {
  /** Address after `#/`; parameters allowed, e.g. `devices/:id?`. */
  path: string
  name: string
  title: Key
  section: Section
  /** The action without which the page is hidden and refused; '' for everybody. */
  action: string
  icon: Component
  component: () => Promise<Component | { default: Component }>
  /** Second key of the chord `g` + letter. */
  jump?: string
  /** Only at these tiers; everywhere when left out. */
  tiers?: readonly Tier[]
  /** Reached from another page, not from the rail. */
  hidden?: boolean
}

export const PAGES: readonly PageEntry[] = [
  { path: 'home', name: 'home', title: 'page.home', section: 'overview', action: '', icon: Odometer, jump: 'h', component: () => import('@/views/home/HomePage.vue') },
  { path: 'ranking', name: 'ranking', title: 'page.ranking', section: 'overview', action: 'alarms.read', icon: Histogram, jump: 'k', tiers: ['county', 'city'], component: () => import('@/views/ranking/RankingPage.vue') },
  { path: 'live', name: 'live', title: 'page.live', section: 'live', action: 'video.read', icon: VideoCamera, jump: 'c', component: () => import('@/views/live/LivePage.vue') },
  { path: 'alarms/:id?', name: 'alarms', title: 'page.alarms', section: 'alarms', action: 'alarms.read', icon: Bell, jump: 'a', component: () => import('@/views/alarms/AlarmsPage.vue') },
  { path: 'events', name: 'events', title: 'page.events', section: 'alarms', action: 'events.read', icon: Document, jump: 'e', component: () => import('@/views/events/EventsPage.vue') },
  { path: 'map', name: 'map', title: 'page.map', section: 'map', action: 'places.read', icon: MapLocation, jump: 'm', component: () => import('@/views/map/MapPage.vue') },
  { path: 'playback', name: 'playback', title: 'page.playback', section: 'playback', action: 'video.playback', icon: Film, jump: 'y', component: () => import('@/views/playback/PlaybackPage.vue') },
  { path: 'vehicles', name: 'vehicles', title: 'page.vehicles', section: 'vehicles', action: 'vehicles.read', icon: Van, jump: 'v', component: () => import('@/views/vehicles/VehiclesPage.vue') },
  { path: 'vehicles/:id', name: 'passage', title: 'page.vehicles', section: 'vehicles', action: 'vehicles.read', icon: Van, hidden: true, component: () => import('@/views/vehicles/PassagePage.vue') },
  { path: 'lanes', name: 'lanes', title: 'page.lanes', section: 'vehicles', action: 'vehicles.read', icon: Switch, jump: 'n', component: () => import('@/views/vehicles/LanesPage.vue') },
  { path: 'watch_list', name: 'watch_list', title: 'page.watch_list', section: 'vehicles', action: 'watch.read', icon: Aim, jump: 'w', component: () => import('@/views/watch_list/WatchPage.vue') },
  { path: 'places', name: 'places', title: 'page.places', section: 'people', action: 'places.read', icon: OfficeBuilding, jump: 'p', component: () => import('@/views/places/PlacesPage.vue') },
  { path: 'sightings', name: 'sightings', title: 'page.sightings', section: 'people', action: 'people.read', icon: Camera, jump: 'f', component: () => import('@/views/sightings/SightingsPage.vue') },
  { path: 'devices', name: 'devices', title: 'page.devices', section: 'operations', action: 'devices.read', icon: Cpu, jump: 'd', component: () => import('@/views/devices/DevicesPage.vue') },
  { path: 'devices/:id', name: 'device', title: 'page.devices', section: 'operations', action: 'devices.read', icon: Cpu, hidden: true, component: () => import('@/views/devices/DevicePage.vue') },
  { path: 'storage', name: 'storage', title: 'page.storage', section: 'operations', action: 'video.read', icon: Coin, jump: 't', component: () => import('@/views/storage/StoragePage.vue') },
  { path: 'quarantine', name: 'quarantine', title: 'page.quarantine', section: 'operations', action: 'quarantine.read', icon: Box, jump: 'q', component: () => import('@/views/quarantine/QuarantinePage.vue') },
  { path: 'linkage', name: 'linkage', title: 'page.linkage', section: 'operations', action: 'linkage.read', icon: Share, jump: 'i', component: () => import('@/views/linkage/LinkagePage.vue') },
  { path: 'statistics', name: 'statistics', title: 'page.statistics', section: 'statistics', action: 'statistics.read', icon: DataAnalysis, jump: 's', component: () => import('@/views/statistics/StatisticsPage.vue') },
  { path: 'links', name: 'links', title: 'page.links', section: 'system', action: 'links.read', icon: Connection, jump: 'l', component: () => import('@/views/links/LinksPage.vue') },
  { path: 'site_files', name: 'site_files', title: 'page.site_files', section: 'system', action: 'site.export', icon: Upload, jump: 'x', component: () => import('@/views/site_files/SiteFilesPage.vue') },
  { path: 'backups', name: 'backups', title: 'page.backups', section: 'system', action: 'system.backup', icon: FolderChecked, jump: 'b', component: () => import('@/views/backups/BackupsPage.vue') },
  { path: 'users', name: 'users', title: 'page.users', section: 'system', action: 'users.read', icon: User, jump: 'u', component: () => import('@/views/users/UsersPage.vue') },
  { path: 'roles', name: 'roles', title: 'page.roles', section: 'system', action: 'roles.read', icon: KeyIcon, jump: 'r', component: () => import('@/views/roles/RolesPage.vue') },
  { path: 'policies', name: 'policies', title: 'page.policies', section: 'system', action: 'policies.read', icon: Setting, component: () => import('@/views/policies/PoliciesPage.vue') },
  { path: 'operator_log', name: 'operator_log', title: 'page.operator_log', section: 'system', action: 'operator_log.read', icon: Notebook, jump: 'o', component: () => import('@/views/operator_log/OperatorLogPage.vue') },
]

/** What the rail shows: sections in order, each with the pages this account may open here. */
export function rail(pages: readonly PageEntry[], can: (action: string) => boolean, tier: Tier): { section: Section; pages: PageEntry[] }[] {
  const open = (each: PageEntry) => !each.hidden && (!each.action || can(each.action)) && (!each.tiers || each.tiers.includes(tier))
  return SECTIONS.map((section) => ({ section, pages: pages.filter((each) => each.section === section && open(each)) }))
    .filter((each) => each.pages.length > 0)
}
