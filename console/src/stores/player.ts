/** The desk's loudspeaker: short tones by WebAudio, scheduled ahead, never a file. */
import type { Tone } from '@/alarms/tones'

interface Note { hz: number; at: number; lasts: number; loud: number }
const notes: Record<Tone | 'test', Note[]> = {
  siren: [{ hz: 660, at: 0, lasts: 0.5, loud: 0.35 }, { hz: 880, at: 0.5, lasts: 0.5, loud: 0.35 }],
  siren_loud: [{ hz: 660, at: 0, lasts: 0.5, loud: 0.9 }, { hz: 880, at: 0.5, lasts: 0.5, loud: 0.9 }],
  beeps: [0, 0.28, 0.56].map((at) => ({ hz: 784, at, lasts: 0.16, loud: 0.35 })),
  chime: [{ hz: 659, at: 0, lasts: 0.25, loud: 0.25 }, { hz: 523, at: 0.25, lasts: 0.5, loud: 0.2 }],
  link: [{ hz: 196, at: 0, lasts: 0.3, loud: 0.35 }, { hz: 196, at: 0.45, lasts: 0.3, loud: 0.35 }],
  test: [{ hz: 523, at: 0, lasts: 0.2, loud: 0.3 }, { hz: 659, at: 0.2, lasts: 0.2, loud: 0.3 }, { hz: 784, at: 0.4, lasts: 0.4, loud: 0.3 }],
}
const RAMP_S = 0.012

export class Player {
  private context: AudioContext | null = null

  get running(): boolean { return this.context?.state === 'running' }

  /** Call from a click or a key: browsers keep a page silent until then. */
  async unlock(): Promise<boolean> {
    try {
      this.context ??= new AudioContext()
      if (this.context.state !== 'running') await this.context.resume()
    } catch { return false }
    return this.running
  }

  play(tone: Tone | 'test'): void {
    const context = this.context
    if (!context || context.state !== 'running') return
    for (const each of notes[tone]) sound(context, each)
  }
}

function sound(context: AudioContext, { hz, at, lasts, loud }: Note): void {
  const start = context.currentTime + at, end = start + lasts
  const voice = context.createOscillator(), volume = context.createGain()
  voice.type = 'triangle'
  voice.frequency.value = hz
  volume.gain.setValueAtTime(0, start)
  volume.gain.linearRampToValueAtTime(loud, start + RAMP_S)
  volume.gain.setValueAtTime(loud, end - RAMP_S)
  volume.gain.linearRampToValueAtTime(0, end)
  voice.connect(volume).connect(context.destination)
  voice.start(start)
  voice.stop(end)
}
