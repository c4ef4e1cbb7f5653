/** A rule as a form, as a sentence, and what of it is not filled in yet. */
import type { RuleAction, RuleBody, When } from '@/api/linkage'
import { say, word } from '@/locales'

/** What a person may let a rule do; a rule made elsewhere may do more and is still read out. */
export const ACTS = ['output', 'arm'] as const
const VALID_S = 10

export const blankAction = (): RuleAction => ({ do: 'output', target: '', output: '1', on: true, valid_s: VALID_S })
export function bodyOf(known: Partial<RuleBody> = {}): RuleBody {
  return {
    when: { kinds: [], level: null, place_id: '', device_id: '', zones: [], ...known.when },
    only_if: { from: '', to: '', armed: false, ...known.only_if },
    then: (known.then ?? [blankAction()]).map((each) => ({ ...blankAction(), ...each })),
  }
}

/** What is sent: outputs only where one is switched, zones only of the device they belong to. */
export function requestOf(body: RuleBody): RuleBody {
  const { when, only_if } = body
  const whole = Boolean(only_if.from && only_if.to)
  return {
    when: { ...when, zones: when.device_id ? when.zones : [] },
    only_if: { ...only_if, from: whole ? only_if.from : '', to: whole ? only_if.to : '' },
    then: body.then.map((each) => (each.do === 'output' ? each : { ...each, output: '', on: true })),
  }
}
export const complete = (body: RuleBody): boolean => body.then.length > 0 && body.then.every((each) => each.do && each.target && (each.do !== 'output' || each.output) && each.valid_s > 0)

export interface Names { place(id: string): string; device(id: string): string }
const listed = (words: string[], between: 'pages.linkage.or' | 'pages.linkage.and') => words.join(say(between))

export function actText(action: Partial<RuleAction>, names: Names): string {
  const verb = word('pages.linkage.actions', action.do === 'output' && action.on === false ? 'output_off' : action.do)
  const where = [names.device(action.target ?? ''), action.do === 'output' && action.output ? say('pages.linkage.output_number', { n: action.output }) : ''].filter(Boolean).join(' ')
  return [verb, where].filter(Boolean).join(' ')
}
function whenText(when: When, names: Names): string[] {
  const kinds = when.kinds.length ? listed(when.kinds.map((each) => word('pages.event_kind', each)), 'pages.linkage.or') : say('pages.linkage.any_kind')
  return [
    say('pages.linkage.sentence_when', { place: when.place_id ? names.place(when.place_id) : say('pages.linkage.anywhere'), kinds }),
    when.device_id ? say('pages.linkage.sentence_device', { device: names.device(when.device_id) }) : '',
    when.zones.length ? say('pages.linkage.sentence_zone', { zones: when.zones.join(say('pages.linkage.or')) }) : '',
    when.level ? say('pages.linkage.sentence_level', { level: word('level', String(when.level)) }) : '',
  ]
}
/** The rule as one sentence; read aloud it must say all that the rule does. */
export function sentence(known: Partial<RuleBody>, names: Names): string {
  const body = bodyOf(known)
  const { from, to, armed } = body.only_if
  const acts = body.then.map((each) => say('pages.linkage.sentence_valid', { action: actText(each, names), n: each.valid_s }))
  const ifs = [from && to ? say('pages.linkage.sentence_between', { from, to }) : '', armed ? say('pages.linkage.sentence_armed') : '']
  const clauses = [...whenText(body.when, names), ...ifs, say('pages.linkage.sentence_then', { actions: listed(acts, 'pages.linkage.and') })]
  return clauses.filter(Boolean).join(say('pages.linkage.comma')) + say('pages.linkage.stop')
}
