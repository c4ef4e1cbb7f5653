import { pagesEn } from './pages.en'
import { recordsEn } from './records.en'
import { vehiclesEn } from './vehicles.en'
import { videoEn } from './video.en'
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
    live: 'Live', playback: 'Playback', storage: 'Storage', video_device: 'Video device',
    home: 'Overview', alarms: 'Alarms', ranking: 'Communities', map: 'Map', events: 'Events', places: 'Places', devices: 'Devices', quarantine: 'Quarantine',
    linkage: 'Linkage', links: 'Links', statistics: 'Statistics', users: 'Users', roles: 'Roles', policies: 'Policies', operator_log: 'Operator log',
    vehicles: 'Vehicles', lanes: 'Lanes', watch_list: 'Watch list', sightings: 'Sightings', site_files: 'Import and export', backups: 'Backups',
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
    preferences: 'Display', counters: 'Unacknowledged alarms', skip: 'Skip to content', rights_changed: 'Your rights have just changed; the page was loaded anew under them.',
  },
  list: { none_fits: 'Nothing fits the filters', filtered_why: 'There is nothing under these filters.', filtered_do: 'Widen or clear the filters.', arrived: '{n} new: show them' },
  span: { day: '{n} d', hour: '{n} h', minute: '{n} min', second: '{n} s', ago: '{span} ago' },
  kind: {
    fire: 'Fire', fire_manual: 'Manual call point', fire_supervisory: 'Fire supervisory', panic: 'Panic', duress: 'Duress', help: 'Call for help', intrusion: 'Intrusion', tamper: 'Tamper',
    watch_list: 'Watch-list hit', gas: 'Gas leak', water: 'Water leak', environment: 'Environment', access_denied: 'Access denied', door_forced: 'Door forced', door_held: 'Door held open',
    power: 'Power', fault: 'Fault', communication: 'Communication lost', arm: 'Armed', disarm: 'Disarmed', bypass: 'Bypass', test: 'Test', info: 'Information',
  },
  standing: {
    new: 'New', acknowledged: 'Acknowledged', handling: 'Handling', to_review: 'To review', closed: 'Closed', returned: 'Ended, not acknowledged', shelved: 'Shelved', bypassed: 'Bypassed',
  },
  finding: {
    animal: 'Animal', weather: 'Weather', resident: 'Resident', test: 'Test', device_fault: 'Device fault', authorised_work: 'Authorised work', other_false: 'Other false', unknown: 'Unknown',
    true: 'True alarm', cooking: 'Cooking', dust_or_steam: 'Dust or steam', pressed_by_mistake: 'Pressed by mistake', repaired: 'Repaired', power_cut: 'Power cut', network: 'Network', maintenance: 'Maintenance', misread: 'Plate misread', checked_let_in: 'Checked, let in', entry_wrong: 'Entry wrong',
  },
  step: {
    raise: 'raised', repeat: 'triggered again', return: 'ended', escalate: 'escalated', acknowledge: 'acknowledge', take_over: 'take over', join: 'join', handle: 'handle', finding: 'finding',
    note: 'note', close: 'close', undo_close: 'undo close', review: 'review', shelve: 'shelve', unshelve: 'unshelve',
  },
  ended: { device: 'the device reported its end', timeout: 'time-out (no end was reported)', operator: 'closed by hand' },
  flag: {
    zone_unknown: 'zone not registered', time_invalid: 'device time invalid', time_unreadable: 'device time unreadable', clock_future: 'device time ahead', clock_off: 'device clock off', late: 'late', rerun: 'run again after quarantine', text_cleaned: 'text cleaned', key_reused: 'same key, other content', bypassed: 'bypassed',
  },
  alarm: {
    title: 'Alarms', drill: 'Drill', sent: '“{step}” went to the platform of this alarm, waiting for its answer', more: '{n} more', unsaved: 'not saved', unsaved_why: 'The database is away: alarms still show and sound, and are saved as soon as it is back.',
    columns: { level: 'Level', age: 'Age', place: 'Place · device', kind: 'Type', state: 'State', owner: 'Owner', picture: 'Picture' },
    tabs: { open: 'Open', to_review: 'To review', closed: 'Closed', all: 'All' },
    filters: { level: 'Level', kind: 'Type', place: 'Place', q: 'Place, device, zone', since: 'From', until: 'To', drill: 'Drills only' },
    no_picture: 'No camera linked', group: 'Groups', alone: 'One by one', storm: 'Alarm flood: {n} new within 10 minutes, grouped by device and type; each group sounds once.', group_ack: 'Acknowledge group', group_waiting: '{n} not acknowledged',
    group_count: '{n} in all', group_latest: 'latest {time}', unfold: 'Show', fold: 'Hide', show_all: 'Show all',
    none: 'No alarms', none_why: 'The last event came {ago}; the link works.', none_why_never: 'No event has ever come; the link works. Check that devices are connected.', none_broken: 'Nobody knows whether there are alarms', none_broken_why: 'The alarm link is broken; last event {time}.',
    link_broken: 'Alarm link broken', link_why: { push: 'the live line to the server is down, reconnecting', database: 'the database is away, alarms still show, marked “not saved”', silent: 'the server does not answer, reconnecting' }, last_event: 'last event {time} ({ago})', never: 'none',
    new_while_typing: 'New alarm: opens when you leave the field (Esc)', open_now: 'Open', bound: 'Keys still act on: {name}. Esc lets go.',
    place: 'Place', device: 'Device', zone: 'Zone', code: 'Code', started: 'Began', kept: 'Platform time', device_time: 'Device time', offset: 'Device clock offset', offset_value: '{n} s', count: 'Triggered', last: 'Last trigger',
    home: 'Platform', owner: 'Owner', joined: 'Joined', ended_by: 'Ended', still: 'still active', escalation: 'Escalation', escalation_value: 'circle {n} told', flags: 'Flags', finding: 'Finding', review: 'Review', note: 'Note',
    history: 'Steps', history_none: 'Nobody has handled it yet.', raw: 'Raw event', raw_show: 'Show the raw frame (is logged)', raw_hide: 'Hide the raw frame', facts: 'What was reported', sop: 'Procedure', actions: 'Actions', by_rule: 'rule',
    acknowledge: 'Acknowledge', judge: 'Finding', close: 'Close', close_panel: 'Fold (Esc)', take_over: 'Take over', join: 'Join', handle: 'Start handling', shelve: 'Shelve', unshelve: 'Unshelve', add_note: 'Add note', review_do: 'Approve review', undo: 'Undo',
    closed_bar: 'Closed: {name}', undo_left: '{n} s left to undo',
    note_true: 'A true alarm needs a note', note_hint: 'What happened, in short', note_close: 'Closing note (optional)', person: 'Name of the person on site', person_why: 'Fire, help and duress alarms need a person on site before they are closed.', shelve_until: 'Shelve for', shelve_why: 'Why it is shelved',
    shelve_minutes: { '15': '15 minutes', '30': '30 minutes', '60': '1 hour', '120': '2 hours', '240': '4 hours' }, first_finding: 'Give a finding first (1–9)', still_active: 'Still active, cannot be closed', confirm_hint: 'Enter submits, Esc cancels',
    text110: 'Text for the police (110)', copy110: 'Copy', text110_body: '{time}, {place}, {kind}. {note}', others: 'Same group', no_right: 'You may look at this alarm, not handle it.', locked_only: 'The desk is locked: acknowledge only.', seen_by: '{name} ({tier})',
    not_found: 'This alarm cannot be found', export: 'Export', export_who: 'Exports what the filters show as CSV; your password is asked again. The operator log keeps it, where security and audit administrators see it.', exported: '{n} exported', own_class: 'Findings of this type', elsewhere: 'handled by {node}',
  },
  refusal: {
    bad_login: 'User name or password is wrong.', totp_needed: 'Give the one-time code.', bad_code: 'Wrong one-time code; check the time of the phone.', too_busy: 'Too many log-ins at once; try again in a few seconds.', locked_out: 'Too many failures in a row; the account is locked out.',
    bad_link: 'This set-up link is unknown, used or over; restart Anju for a new one.', set_up: 'This node is set up already; log in.', three_people: 'The three administrators are three people: user names and names must differ.', three_administrators: 'One system, one security, one audit administrator.',
    weak_password: 'The password is too weak.', used_before: 'This password was used lately.', bad_username: 'A user name has 3 to 32 small letters, digits, dots, dashes or underscores.', weak_pin: 'The PIN is too weak.', no_pin: 'This account may not have a PIN.', reauthenticate: 'Your password is needed again.',
    locked: 'The desk is locked; unlock it first.', no_session: 'The session is over; log in again.', session_ended: 'The session is over; log in again.', csrf: 'The call did not come from this page.', forbidden: 'Your role or scope does not include this.',
    is_acknowledged: 'Somebody acknowledged it already.', is_handling: 'It is being handled already.', is_new: 'Acknowledge it first.', is_closed: 'It is closed.', is_to_review: 'It is closed and waits for review.', still_active: 'The source still signals: fire, help and duress alarms are not closed while active.', no_finding: 'Give a finding (1–9) before you close it.',
    note_needed: 'A true alarm needs a note.', person_needed: 'Name the person on site.', unknown_finding: 'This type of alarm has no such finding.', empty_note: 'A note needs words.', not_acknowledged: 'Nobody has acknowledged it; do that first.', never_shelved: 'Fire, help and duress alarms are never shelved.',
    shelve_until: 'Shelving ends within four hours.', reason_needed: 'Say why it is shelved.', not_shelved: 'It is not shelved.', not_closed: 'There is nothing to undo.', undo_over: 'Only who closed it can undo that, within 10 seconds.', same_person: 'Another person reviews it.', changed_meanwhile: 'Somebody just changed this alarm.',
    no_alarm: 'There is no such alarm here.', sent_refused: 'The platform of this alarm refused “{step}”: {outcome}', sent_unknown: '“{step}” was sent, but nothing came back within 30 s; look at the alarm, then decide.', no_answer: 'no answer',
  },
  login: {
    title: 'Log in', username: 'User name', password: 'Password', totp: 'One-time code', totp_hint: '6 digits from the authenticator', enter: 'Log in and turn sound on', ended: 'The session is over; log in again.', locked_out: 'The account is locked out until {time} (another {span}).',
    must_change: 'First log-in or expired: set a new password.', old: 'Present password', next: 'New password', again: 'Once more', differs: 'The two differ.', change: 'Change password', changed: 'Password changed.', caps: 'Caps Lock is on',
  },
  setup: {
    title: 'First set-up', why: 'Name this node and appoint three administrators who are independent of one another. This can be done once; the link ends with it.', node_name: 'Name of the node', node_hint: 'e.g. Jinxiu Gardens, Lizhou county platform',
    no_token: 'The set-up link is missing', no_token_why: 'The first set-up opens only from the one-time link printed at start.', no_token_do: 'Look for /#/setup?token=… in the program’s output on the server.', needless: 'This node is set up already', to_login: 'To the log-in', submit: 'Finish set-up', done: 'Set up. Log in now.',
    system: 'System administrator', system_why: 'Manages accounts, devices, places and links; can grant nothing and cannot touch the operator log.', security: 'Security administrator', security_why: 'Grants roles and scopes and sets policies; cannot create accounts.', audit: 'Audit administrator', audit_why: 'Reads and verifies the operator log; can change no data.',
    person: 'Name', username: 'User name', password: 'Password', again: 'Password once more', three: 'The three must be three people: none of them alone can exceed his rights.', step: 'No. {n}',
  },
  strength: {
    length: 'at least {n} characters', classes: 'at least {n} of upper case, lower case, digits, symbols', name: 'without user name or name', common: 'no common password, no repetition', word: { weak: 'weak', fair: 'not yet', good: 'good' },
  },
  sound: {
    off: 'Sound is off', off_why: 'The browser needs a click before it may sound.', untested: 'Sound is off', untested_why: 'Nobody has heard the test tone yet.', on: 'Sound works', muted: 'Muted {n} s', test: 'Test tone', heard: 'Did you hear it?', heard_yes: 'Yes, heard', heard_no: 'No',
    not_heard: 'Check the loudspeaker’s power, volume and plug, then try again.', mute: 'Mute 60 s (M)', unmute: 'Unmute', voice: 'Speak place and type', title: 'Alarm sound', breaks: 'Critical alarms sound even when muted.',
  },
  lock: {
    title: 'The desk is locked', why: 'Alarms, sound and acknowledging go on; everything else needs unlocking.', secret: 'PIN or password', unlock: 'Unlock', change: 'Change of guard', idle: 'Locked after standing idle',
    guard_title: 'Change of guard', guard_why: 'The next guard takes over this layout; who leaves is logged out.', guard_user: 'User name of the next guard', guard_secret: 'PIN or password of the next guard', guard_go: 'Take over',
  },
  link: {
    up: 'Upward link up', none: 'No upper tier', down: 'Upward link down', waiting: 'Waiting for approval', delay: 'delay {n} s', backlog: 'backlog {n}', title: 'Link to the upper tier', last_ack: 'last acknowledged {time}', live_down: 'live line down', live_up: 'live line up', alarms_backlog: 'alarms waiting', bulk_backlog: 'others waiting',
  },
  clock: { synchronised: 'in step with the server', not: 'not in step yet' },
  home: {
    communities: 'Communities now', all_communities: 'All {n} communities',
    open: 'Not acknowledged', online: 'Devices online', today: 'Events today', oldest: 'Longest unhandled', none: 'none', histogram: 'Alarms in 24 h by level', to_do: 'What needs somebody now', nothing: 'No alarm waits for anybody.', no_data: 'No alarm in the last 24 hours', see_all: 'See all', level_unit: '{n}', updated: 'as of {time}', yours: 'What you may use',
  },
  keys: {
    title: 'Keyboard', alarms: 'Alarms', go: 'Go to (g first)', general: 'General', space: 'acknowledge', digits: 'finding', digit_true: 'true alarm', enter: 'close', walk: 'previous / next', escape: 'back, let keys go', undo: 'undo close', mute: 'mute 60 s', search: 'search', help: 'this list', full: 'full screen',
  },
  account: {
    title: 'Account', pin: 'Set PIN', pin_new: 'PIN (6 digits or more, empty removes it)', pin_done: 'PIN changed', totp: 'One-time codes', totp_how: 'Enter this secret in an authenticator, then give the 6 digits it shows.', totp_secret: 'Secret', totp_code: '6 digits', totp_done: 'One-time codes are on', totp_on: 'One-time codes are on',
    sessions: 'My log-ins', leave: 'Log out', roles: 'Roles',
  },
  pages: pagesEn,
  records: recordsEn,
  vehicles: vehiclesEn,
  video: videoEn,
}
