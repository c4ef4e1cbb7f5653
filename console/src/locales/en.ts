import { pagesEn } from './pages.en'
import type { Same } from './same'
import type { zh } from './zh'

export const en: Same<typeof zh> = {
  app: { name: 'Anju', full: 'Anju community security platform', untitled: 'untitled' },
  tier: { community: 'Community', county: 'County', city: 'City' },
  section: {
    overview: 'Overview', live: 'Live', alarms: 'Alarms', map: 'Map', playback: 'Playback', doors: 'Doors', vehicles: 'Vehicles', visitors: 'Visitors',
    fire: 'Fire & energy', people: 'People & homes', operations: 'Operations', acceptance: 'Acceptance', statistics: 'Statistics', system: 'System',
  },
  page: {
    home: 'Overview', alarms: 'Alarms', ranking: 'Communities', map: 'Map', events: 'Events', places: 'Places', devices: 'Devices', quarantine: 'Quarantine',
    linkage: 'Linkage', links: 'Links', statistics: 'Alarm statistics', users: 'Users', roles: 'Roles', policies: 'Policies', operator_log: 'Operator log',
  },
  common: {
    ok: 'OK', cancel: 'Cancel', save: 'Save', close: 'Close', back: 'Back', retry: 'Try again', more: 'Load more', refresh: 'Refresh', search: 'Search', clear: 'Clear filters',
    all: 'All', yes: 'Yes', no: 'No', none: 'None', loading: 'Loading', slow: 'Slower than usual, still waiting', send: 'Submit', edit: 'Edit', create: 'New', actions: 'Actions',
    name: 'Name', username: 'User name', password: 'Password', code: 'Code', loaded: '{n} shown', loaded_all: '{n} in all', from: 'From', to: 'To', now: 'Now',
    copy: 'Copy', copied: 'Copied', done: 'Done', optional: 'optional', place: 'Place', device: 'Device', state: 'State', time: 'Time', seconds: '{n} s',
    choose_place: 'Choose a place', choose: 'Choose', draft_kept: 'Draft restored',
  },
  level: { '1': 'Critical', '2': 'Urgent', '3': 'Normal', '4': 'Notice' },
  note: {
    empty: 'Nothing here', denied: 'No permission', denied_why: 'Your role does not include this, or your scope does not reach here.', denied_do: 'Ask the security administrator if your work needs it.',
    error: 'It did not work', why: 'Why', what_to_do: 'What to do', code: 'Code',
  },
  failure: {
    unreachable: 'The server cannot be reached', unreachable_why: 'The network is down, or the service restarts.', unreachable_do: 'Check the network; a restart takes five seconds at most, then try again.',
    away: 'The database does not answer', away_why: 'It is away for a moment; nothing is lost.', away_do: 'Try again in a few seconds; after a minute tell maintenance.',
    denied: 'No permission', denied_why: 'Your role or scope does not include this.', denied_do: 'Ask the security administrator if your work needs it.',
    absent: 'Not found', absent_why: 'It does not exist, or lies outside your scope.', absent_do: 'Go back to the list and refresh.',
    conflict: 'Not possible as things stand', conflict_do: 'Look at the latest state, then decide.', conflict_why: 'Somebody was faster, or this state does not allow the step.',
    invalid: 'Something is filled in wrong', invalid_why: 'The server did not accept it.', invalid_do: 'Correct the marked fields and submit again.',
    too_many: 'Too often', too_many_why: 'The server limits how often.', too_many_do: 'Wait a little, then try again.',
    unexpected: 'The server failed', unexpected_why: 'The program met something unforeseen; it is in its log.', unexpected_do: 'Try again; if it stays, give the code to maintenance.',
  },
  reauth: { title: 'Confirm that it is you', why: 'This needs your password once more.', wrong: 'Wrong password, try again.' },
  shell: {
    search: 'Find places, devices, pages', search_none: 'Nothing found for “{q}”', expand: 'Expand menu', fold: 'Fold menu', theme_dark: 'Dark', theme_light: 'Light', language: '中文',
    large_type: 'Large type', log_out: 'Log out', lock: 'Lock the desk', change_guard: 'Change of guard', account: 'Account', my_password: 'Change password', keys: 'Keyboard', menu: 'Menu',
    preferences: 'Display', counters: 'Unacknowledged alarms', skip: 'Skip to content',
  },
  list: { none_fits: 'Nothing fits the filters', filtered_why: 'There is nothing under these filters.', filtered_do: 'Widen or clear the filters.' },
  span: { day: '{n} d', hour: '{n} h', minute: '{n} min', second: '{n} s', ago: '{span} ago' },
  alarm: { drill: 'Drill' },
  pages: pagesEn,
}
