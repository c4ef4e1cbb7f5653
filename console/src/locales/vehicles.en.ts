import type { Same } from './same'
import type { vehiclesZh } from './vehicles.zh'

export const vehiclesEn: Same<typeof vehiclesZh> = {
  plate: 'Plate', plate_color: 'Plate colour', plate_class: 'Plate class', vehicle_class: 'Vehicle type', vehicle_color: 'Body colour', direction: 'Direction', lane: 'Lane', device: 'Device', place: 'Where', resident_kind: 'Resident kind', resident_id: 'Resident', resident_reveal: 'Reveal resident',
  search: 'Plate, or part of one', since: 'From', until: 'Until', flags: 'Quality marks', passed: 'Passed', received: 'Received', brand: 'Brand', model: 'Model', speed: 'Speed', speed_value: '{n} km/h', reliability: 'Confidence', percent: '{n}%',
  no_plate: 'No plate', way: { in: 'In', out: 'Out' }, way_untold: 'Direction unknown', hit: 'Watched', confirmed: 'Confirmed', corrected: 'Corrected', view_grid: 'Pictures', view_table: 'Table', view: 'Shown as',
  strip: 'Latest passages', held: '{n} new once the mouse leaves', strip_empty: 'No vehicle has passed yet. Once a camera is connected, every vehicle appears here at once.',
  hourly: 'By the hour', hourly_click: 'Click a bar for its passages', hourly_empty: 'No vehicle passed in this time.', total: '{n} in all', lane_none: 'No vehicle yet', lane_all: 'All passages', lanes_empty: 'No plate camera is registered yet.',
  empty_why: 'No passage of a vehicle has come yet.', empty_do: 'Register a tollgate or plate camera (GA/T 1400) under Devices; its first record appears here.',
  picture: 'Picture', pictures: 'Pictures', picture_open: 'Enlarge picture: {name}', picture_none: 'No picture, or it lies at a node below', picture_lost: 'Picture cannot be opened',
  reading: 'Reading', reading_device: 'Device read', reading_person: 'Person judged', reading_valid: 'In force', will_be: 'Becomes', received_text: 'As the device wrote it', field: 'Field', same: 'as the device', judge_right: 'Reading is right', judge_right_why: 'I looked at the picture: the device read it right.', judged_right: 'right by the picture', judged: 'Kept; counts for the accuracy',
  correct: 'Correct reading', correct_why: 'The device\'s reading is never overwritten: the correction stands beside it, counts for the accuracy figure, and travels up as a new version.', correct_hint: 'e.g. the picture shows 8, not B', correct_done: 'Corrected', corrections: 'Corrections', corrections_none: 'Nobody has judged this reading yet.',
  facts: 'Passage', clock: 'Clock', clock_none: 'The device told no time, so there is no offset.', clock_device: 'Device time', clock_ledger: 'Clock ledger', offset: 'Clock offset', raw: 'Raw record', raw_show: 'Show raw record', raw_why: 'Every look is in the operator log; pictures are replaced by their hashes.', path: 'Way through the tiers', path_why: 'When this record was where.', path_ahead: 'not there yet', seq: 'row {n}',
  step: { captured: 'Captured', received: 'Received', kept: 'Kept', logged: 'Logged', sent: 'Sent up', acknowledged: 'Acknowledged above', waiting: 'Waiting to go up', came: 'Came from below', corrected: 'Corrected' },
  near: 'Likely repeats', near_why: 'Same plate, lane and direction within 10 seconds. Both are kept.', near_first: 'This one likely repeats it', object_id: 'Object id', id: 'Record id', watched: 'This vehicle is on the watch list', back: 'Back to the passages', watch_it: 'Watch for it', open_device: 'Open device',
  accuracy: 'Reading accuracy', accuracy_why: 'Counts only readings that a person judged by the picture. The bound is one-sided at 95 %; the standard asks ≥99.5 % by day, ≥98.5 % by night.', light: { day: 'Day', night: 'Night' }, accuracy_n: '{n} judged', accuracy_wrong: '{n} wrong', accuracy_rate: 'Right', accuracy_bound: '95 % bound', accuracy_none: 'nothing judged yet', proved: 'proved', not_proved: 'not proved yet',
  export: 'Export', export_title: 'Export passages', export_rows: '{n} rows will be exported', export_cut: 'More than {n} rows fit; only the newest {n} are exported. Choose a shorter time.', export_none: 'No row fits', export_who: 'Asks for your password again. The export is written into the operator log for security and audit administrators. Plates and residents are partly hidden.', export_plain: 'Export whole plates (reason needed)', export_reason: 'Reason', export_form: 'File', exported: '{n} rows exported',
  resident: { owner: 'Owner', tenant: 'Tenant', family: 'Family', visitor: 'Visitor', staff: 'Staff', delivery: 'Delivery', temporary: 'Temporary', stranger: 'Stranger', unknown: 'Unknown' },
  ground: { blue: 'blue', yellow: 'yellow', white: 'white', black: 'black', green: 'green', large: 'yellow-green', plain: '' },
  colour: { '1': 'Black', '2': 'White', '3': 'Grey', '4': 'Red', '5': 'Blue', '6': 'Yellow', '7': 'Orange', '8': 'Brown', '9': 'Green', '10': 'Purple', '11': 'Cyan', '12': 'Pink', '13': 'Transparent', '99': 'Other' },
  plate_classes: {
    '01': 'Large car', '02': 'Small car', '03': 'Embassy car', '04': 'Consulate car', '05': 'Overseas car', '06': 'Foreign-owned car', '07': 'Motorcycle', '08': 'Light motorcycle', '13': 'Low-speed vehicle', '14': 'Tractor', '15': 'Trailer', '16': 'Learner car', '17': 'Learner motorcycle', '18': 'Test car', '20': 'Temporary entry', '22': 'Temporary plate', '23': 'Police car', '24': 'Police motorcycle', '26': 'Hong Kong cross-border', '27': 'Macau cross-border', '31': 'Armed police', '32': 'Military', '51': 'Large new-energy', '52': 'Small new-energy', '99': 'Other',
  },
  vehicle_classes: {
    K11: 'Large bus', K21: 'Medium bus', K31: 'Small bus', K32: 'Small off-road', K33: 'Sedan', K41: 'Micro bus', K43: 'Micro sedan', H11: 'Heavy truck', H21: 'Medium truck', H31: 'Light truck', H41: 'Micro truck', Q11: 'Heavy tractor unit', B11: 'Heavy semi-trailer', G11: 'Heavy full trailer', D11: 'Trolleybus', Z11: 'Special vehicle', M11: 'Three-wheel motorcycle', M21: 'Motorcycle', M22: 'Light motorcycle', N11: 'Tricar', T11: 'Tractor', J11: 'Wheeled machine', X99: 'Other',
  },
  brands: { '1': 'Volkswagen', '2': 'Buick', '3': 'BMW', '4': 'Honda', '5': 'Peugeot', '6': 'Toyota', '7': 'Ford', '8': 'Nissan', '9': 'Audi', '10': 'Mazda', '11': 'Chevrolet', '12': 'Citroën', '13': 'Hyundai', '14': 'Chery', '15': 'Kia', '16': 'Roewe', '19': 'Geely', '26': 'BYD', '27': 'Suzuki', '30': 'Wuling', '31': 'JAC', '34': 'Great Wall', '38': 'Changan', '39': 'Foton', '41': 'Mercedes-Benz', '42': 'FAW', '57': 'Yutong', '58': 'Sinotruk', '65': 'Porsche', '66': 'Cadillac', '70': 'Land Rover', '87': 'Baojun', '89': 'Trumpchi', '230': 'Hongqi' },
  picture_types: { '01': 'Vehicle', '02': 'Plate', '03': 'Plate, binary', '04': 'Driver seat', '05': 'Co-driver seat', '06': 'Logo', '07': 'Violation composite', '08': 'Passing composite', '09': 'Close-up', '10': 'Person', '11': 'Face', '12': 'Non-motor vehicle', '13': 'Thing', '14': 'Scene', '100': 'General' },
  flag: {
    plate_format: 'plate form odd', plate_partial: 'plate incomplete', plate_colour: 'colour does not fit the plate', plate_class: 'class does not fit the plate', plate_colour_word: 'colour word in the plate', no_plate: 'no plate',
    code_unknown: 'code in no table', near_duplicate: 'likely repeat', key_reused: 'same key, other body', corrected: 'corrected', clock_off: 'clock far off', clock_future: 'clock ahead',
    time_invalid: 'time invalid', time_format: 'time form odd', no_time: 'no device time', late: 'late', rerun: 'rerun from quarantine', picture_bad: 'picture damaged',
    picture_missing: 'picture missing', incomplete: 'members missing', id_format: 'id form odd', device_from_id: 'device told by the id', url_refused: 'picture address refused', nested_objects: 'nested objects',
    single_object: 'object instead of list', wrapper: 'wrapper odd', alias: 'member misspelt', value_type: 'value of odd type', number_text: 'number as text', number_bad: 'number invalid',
    boolean_form: 'boolean in odd form', boolean_bad: 'boolean invalid', code_short: 'code too short', colour_form: 'colour in odd form', text_cleaned: 'text cleaned', text_long: 'text too long',
    text_number: 'text as number', absent_word: 'absent in words', base64_loose: 'base64 loose', extra_dropped: 'extra members dropped',
  },
  kinds: { motor: 'Motor vehicle', non_motor: 'Non-motor vehicle' },
  watch: {
    why: 'A watched vehicle is an alarm the moment it is seen; banned visitors are for the gate to check. Entries end by themselves and stay on record.', kind: 'Kind', kinds: { vehicle: 'Vehicle', visitor: 'Banned visitor' }, state: 'State', states: { active: 'In force', all: 'All' }, add: 'Watch for…', name: 'Name', phone: 'Telephone', document: 'Document number', level: 'Alarm level', reason: 'Reason', owner: 'Asked by', created: 'Since', expires: 'Until', left: '{span} left', expired: 'over',
    end: 'End', end_why: 'It raises no alarm any more; the record stays. Say why.', ended: 'Ended', ended_by: 'ended by {name}', added: 'Now watched for', place: 'Where', place_why: 'Raises an alarm at this place and below', reveal: 'Reveal personal data', reveal_why: 'The reason goes into the operator log.', empty_why: 'No vehicle or visitor is watched for.', empty_do: 'Use “Watch for…” when needed, with reason and end.', search: 'Plate, or part of one', passages: 'Passages',
    personal_why: 'Name, telephone and document are stored encrypted and hidden in lists.', do_not_open: 'Do not open: check first', to_passage: 'Passage', only_vehicle: 'A vehicle needs its plate', days: { '1': '1 day', '7': '7 days', '30': '30 days', '90': '90 days' }, draft_for: 'from passage {plate}',
  },
  features: {
    GenderCode: 'Sex', AgeLowerLimit: 'Age from', AgeUpLimit: 'Age to', HeightLowerLimit: 'Height from (cm)', HeightUpLimit: 'Height to (cm)', HairStyle: 'Hair style',
    HairColor: 'Hair colour', GlassStyle: 'Glasses', GlassColor: 'Glasses colour', CapStyle: 'Hat', CapColor: 'Hat colour', RespiratorColor: 'Mask colour',
    ScarfColor: 'Scarf colour', UmbrellaColor: 'Umbrella colour', BagStyle: 'Bag', BagColor: 'Bag colour', CoatStyle: 'Coat', CoatLength: 'Coat length',
    CoatColor: 'Coat colour', TrousersStyle: 'Trousers', TrousersColor: 'Trousers colour', TrousersLen: 'Trousers length', ShoesStyle: 'Shoes', ShoesColor: 'Shoes colour',
    AccompanyNumber: 'Companions', Attitude: 'Pose', Similaritydegree: 'Similarity', IsDriver: 'Driving', TollgateID: 'Tollgate', SourceID: 'Source id',
    ImageSource: 'Image source',
  },
  sex: { '0': 'Unknown', '1': 'Male', '2': 'Female', '9': 'Not told' },
  sightings: {
    why: 'Faces, persons and images that devices saw. Names and documents appear only with a reason.', kind: 'Kind', kinds: { face: 'Face', person: 'Person', image: 'Image' }, seen: 'Seen', empty_why: 'No person was sighted.', empty_do: 'Face and person cameras appear here once connected.', reveal: 'Reveal personal data', reveal_why: 'The reason goes into the operator log.', personal: 'Personal data', none_personal: 'The device told nothing personal.', details: 'Features', named: 'has personal data',
  },
}
