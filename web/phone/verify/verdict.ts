// What anybody may know of a machine, as one verdict. Refuses guesses: unplugged is normal, and what nobody reported is unknown.
import type { Shapes } from '@shared/client'
import type { ShapeName } from '@shared/shapes'
import type { Tone } from '../frame/Verdict.vue'

type PlateView = Shapes['PlateView']
export type VerdictKey = 'forged' | 'blocked' | 'chipless' | 'working' | 'unclaimed' | 'offline' | 'idle'

export interface PublicVerdict {
  key: VerdictKey
  shape: ShapeName
  tone: Tone
  /** Whether a start may be asked for: the platform decides, but some questions are pointless. */
  startable: boolean
}

const VERDICTS: Record<VerdictKey, Omit<PublicVerdict, 'key'>> = {
  forged: { shape: 'tampered', tone: 'no', startable: false },
  blocked: { shape: 'blocked', tone: 'no', startable: false },
  chipless: { shape: 'unplugged', tone: 'idle', startable: false },
  working: { shape: 'unlocked', tone: 'work', startable: true },
  unclaimed: { shape: 'faulted', tone: 'idle', startable: true },
  offline: { shape: 'unplugged', tone: 'idle', startable: true },
  idle: { shape: 'locked', tone: 'idle', startable: true },
}

export function publicVerdict(view: PlateView): PublicVerdict {
  const key = keyOf(view)
  return { key, ...VERDICTS[key] }
}

function keyOf(view: PlateView): VerdictKey {
  if (view.printed_by_us === false) return 'forged'
  if (view.blocked) return 'blocked'
  if (!view.chipped) return 'chipless'
  if (view.licensed_worker_on) return 'working'
  if (view.state === 'unlocked') return 'unclaimed'
  return view.state === 'offline' ? 'offline' : 'idle'
}
