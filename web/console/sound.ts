// Two tones for a level 1 that nobody has signed for: at once, then every 20 s, until it is signed. Can be turned off, remembered.
// Refuses to be the only sign: the row, the pin and the title say the same.
import { ref, watch, type Ref } from 'vue'

const KEPT = 'weldgate.sound'
const EVERY_MS = 20_000
const TONES_HZ = [880, 660]
const TONE_S = 0.22

export const soundOn = ref(read() !== 'off')
watch(soundOn, (on) => {
  try {
    if (on) localStorage.removeItem(KEPT)
    else localStorage.setItem(KEPT, 'off')
  } catch {
    // private windows refuse: then it lasts as long as the page
  }
  if (on) play() // whoever turns it on hears what it is
})

function read(): string | null {
  try {
    return localStorage.getItem(KEPT)
  } catch {
    return null
  }
}

/** Sounds while `calls` says that somebody is waited for. */
export function soundWhile(calls: Ref<boolean>): void {
  let timer = 0
  watch(
    [calls, soundOn],
    ([calling, on], [before]) => {
      clearInterval(timer)
      if (!calling || !on) return
      if (!before) play()
      timer = window.setInterval(play, EVERY_MS)
    },
    { immediate: true },
  )
}

let context: AudioContext | null = null

// A browser lets no page sound before a hand has touched it; until then this is silent.
function play(): void {
  if (navigator.userActivation?.hasBeenActive === false) return
  context ??= new AudioContext()
  const start = context.currentTime + 0.02
  TONES_HZ.forEach((pitch, at) => tone(context!, pitch, start + at * TONE_S * 1.2))
  void context.resume()
}

function tone(there: AudioContext, pitch: number, from: number): void {
  const [voice, loudness] = [there.createOscillator(), there.createGain()]
  voice.frequency.value = pitch
  loudness.gain.setValueAtTime(0, from)
  loudness.gain.linearRampToValueAtTime(0.25, from + 0.02)
  loudness.gain.linearRampToValueAtTime(0, from + TONE_S)
  voice.connect(loudness).connect(there.destination)
  voice.start(from)
  voice.stop(from + TONE_S)
}
