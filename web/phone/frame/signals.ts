// Sound and vibration: unlocked is one short high tone and one buzz, refused two low ones. No file, no loop. Refuses to sound
// before a hand has touched the page: browsers would not let it, and `wake` belongs to a press.
let sound: AudioContext | null = null

/** To be called from a press, so that a tone may follow later. */
export function wake(): void {
  try {
    sound ??= new AudioContext()
    void sound.resume()
  } catch {
    sound = null
  }
}

export function soundUnlocked(): void {
  tone(1320, 0, 0.16)
  buzz([120])
}

export function soundRefused(): void {
  tone(220, 0, 0.18)
  tone(196, 0.26, 0.22)
  buzz([120, 120, 120])
}

/** A code was read. */
export function buzzRead(): void {
  buzz([60])
}

function tone(hertz: number, after_s: number, lasts_s: number): void {
  if (!sound || sound.state !== 'running') return
  const from = sound.currentTime + after_s
  const source = sound.createOscillator()
  const loudness = sound.createGain()
  source.frequency.value = hertz
  loudness.gain.setValueAtTime(0.25, from)
  loudness.gain.exponentialRampToValueAtTime(0.001, from + lasts_s)
  source.connect(loudness).connect(sound.destination)
  source.start(from)
  source.stop(from + lasts_s)
}

function buzz(pattern: number[]): void {
  try {
    // without a touch before it the browser refuses, and complains
    if (navigator.userActivation?.hasBeenActive !== false) navigator.vibrate?.(pattern)
  } catch {
    // some browsers refuse it inside other apps
  }
}
