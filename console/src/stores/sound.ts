import { defineStore } from 'pinia'
import { computed, ref } from 'vue'

import { lasting, Metronome, MUTE_MS, once, type Tone } from '@/alarms/tones'
import type { Alarm } from '@/api/types'
import { word } from '@/locales'
import { useAlarms } from './alarms'
import { useClock } from './clock'
import { useLive } from './live'
import { Player } from './player'

const TICK_MS = 200
const HEARD = 'anju.heard', VOICE = 'anju.voice'
export type SoundState = 'off' | 'untested' | 'on' | 'muted'

/** What the desk sounds like; a red mark stays until somebody has heard the test tone on this shift. */
export const useSound = defineStore('sound', () => {
  const player = new Player(), metronome = new Metronome()
  const clock = useClock(), alarms = useAlarms(), live = useLive()
  const unlocked = ref(false)
  const heard = ref(sessionStorage.getItem(HEARD) === 'yes')
  const voice = ref(localStorage.getItem(VOICE) === 'yes')
  const mutedUntil = ref(0)
  const playing = ref<Tone[]>([])
  const sounded = new Set<string>()

  const mutedFor = computed(() => Math.max(0, Math.ceil((mutedUntil.value - clock.now) / 1000)))
  const state = computed<SoundState>(() => {
    if (!unlocked.value) return 'off'
    if (!heard.value) return 'untested'
    return mutedFor.value > 0 ? 'muted' : 'on'
  })

  async function unlock(): Promise<void> { unlocked.value = await player.unlock() }
  function test(): void { player.play('test') }
  function confirm(didHear: boolean): void {
    heard.value = didHear
    sessionStorage.setItem(HEARD, didHear ? 'yes' : 'no')
  }
  function mute(): void { mutedUntil.value = mutedFor.value > 0 ? 0 : clock.now + MUTE_MS }
  function setVoice(on: boolean): void { voice.value = on; localStorage.setItem(VOICE, on ? 'yes' : 'no') }

  function tick(): void {
    const now = Date.now() + clock.offset
    const wanted = lasting(alarms.open, { touched: alarms.touched, mutedUntil: mutedUntil.value, linkBroken: live.broken }, now)
    if (wanted.join() !== playing.value.join()) playing.value = wanted
    for (const tone of metronome.due(wanted, now)) player.play(tone)
  }
  function raised(alarm: Alarm): void {
    const muted = mutedFor.value > 0
    const tone = once(alarm, muted, sounded, alarms.storm)
    sounded.add(alarm.storm_key ?? alarm.id)
    if (tone) player.play(tone)
    tick()
    if (voice.value && !muted && alarm.level <= 2) speakOut(alarm)
  }

  let timer: ReturnType<typeof setInterval> | undefined
  let stopHearing: (() => void) | null = null
  function start(): void {
    clearInterval(timer)
    timer = setInterval(tick, TICK_MS)
    stopHearing?.()
    stopHearing = alarms.onRaised(raised)
    void unlock()
  }
  function stop(): void { clearInterval(timer); stopHearing?.(); stopHearing = null; playing.value = [] }

  return { state, mutedFor, voice, playing, unlock, test, confirm, mute, setVoice, start, stop }
})

/** Place and type, once, in Chinese, where the machine has a voice for it. */
function speakOut(alarm: Alarm): void {
  if (!('speechSynthesis' in window)) return
  const words = new SpeechSynthesisUtterance(`${alarm.place_name},${word('kind', alarm.kind)}`)
  words.lang = 'zh-CN'
  window.speechSynthesis.speak(words)
}
