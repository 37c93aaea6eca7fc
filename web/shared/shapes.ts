// Every shape of the state language, once: 20 x 20 paths that phone, console and map draw. Colour + shape + word: each
// stands beside its word, so it is aria-hidden. Refuses colours of its own: `hue` names a family of tokens.

export type Hue = 'work' | 'idle' | 'late' | 'l1' | 'l2' | 'l3' | 'l4' | 'ink'

/** One stroke or fill: `c` the hue, `on` what is readable on it, `panel` the ground behind. */
export interface Part {
  d: string
  fill?: 'c' | 'on' | 'panel'
  stroke?: 'c' | 'on' | 'edge'
  width?: number
  dash?: string
}

export interface Drawing {
  hue: Hue
  parts: Part[]
  /** A numeral in the middle, drawn as text in `on`. */
  numeral?: string
  /** Its height above the middle, for shapes whose weight is not central. */
  numeralY?: number
}

const DISC = 'M10 1a9 9 0 1 0 0 18 9 9 0 0 0 0-18z'
const RING = 'M10 2.2a7.8 7.8 0 1 0 0 15.6 7.8 7.8 0 0 0 0-15.6z'
const OCTAGON = 'M6.3 1h7.4L19 6.3v7.4L13.7 19H6.3L1 13.7V6.3z'
const TRIANGLE = 'M10 1.2 19.4 18.4H.6z'
const DIAMOND = 'M10 .8 19.2 10 10 19.2.8 10z'
const SQUARE = 'M3.2 2h13.6c.7 0 1.2.5 1.2 1.2v13.6c0 .7-.5 1.2-1.2 1.2H3.2c-.7 0-1.2-.5-1.2-1.2V3.2C2 2.5 2.5 2 3.2 2z'
const SPARK = 'M11.4 3.6 5.8 11h3.400l-.8 5.400L14.2 9h-3.500z'
const TICK = 'M5.4 10.3 8.6 13.5 14.7 7'
const CROSS = 'M6.6 6.6 13.4 13.400M13.4 6.6 6.6 13.4'

const level = (hue: Hue, d: string, numeral: string, numeralY = 0): Drawing => ({
  hue,
  parts: [{ d, fill: 'c', stroke: 'edge', width: 1 }],
  numeral,
  numeralY,
})

export const SHAPES = {
  l1: level('l1', OCTAGON, '1'),
  l2: level('l2', TRIANGLE, '2', 2.4),
  l3: level('l3', DIAMOND, '3'),
  l4: level('l4', DISC, '4'),
  // machines
  locked: { hue: 'idle', parts: [{ d: SQUARE, fill: 'c' }, { d: 'M10 6a2 2 0 0 1 1 3.700V14H9V9.700A2 2 0 0 1 10 6z', fill: 'on' }] },
  armed: { hue: 'work', parts: [{ d: RING, stroke: 'c', width: 2.4, dash: '3 2.2' }, { d: 'M10 7.400a2.6 2.6 0 1 0 0 5.2 2.6 2.6 0 0 0 0-5.200z', fill: 'c' }] },
  unlocked: { hue: 'work', parts: [{ d: RING, stroke: 'c', width: 2.8 }] },
  arcing: { hue: 'work', parts: [{ d: DISC, fill: 'c' }, { d: SPARK, fill: 'on' }] },
  blocked: { hue: 'l1', parts: [{ d: RING, stroke: 'c', width: 2.6 }, { d: 'M5 15 15 5', stroke: 'c', width: 2.6 }] },
  faulted: { hue: 'idle', parts: [{ d: TRIANGLE, fill: 'c' }, { d: 'M10 7v5.600M10 14.800v1.6', stroke: 'on', width: 2 }] },
  tampered: { hue: 'l1', parts: [{ d: OCTAGON, fill: 'c' }, { d: 'M3.6 12.4 8 8l1.6 3M10.8 8.6 12.4 12l4-4.4', stroke: 'on', width: 1.8 }] },
  maintenance: { hue: 'idle', parts: [{ d: SQUARE, fill: 'c' }, { d: 'M13.4 5.200a3.2 3.2 0 0 0-3.9 3.900l-4.3 4.3 1.5 1.5 4.3-4.300a3.2 3.2 0 0 0 3.9-3.900l-1.9 1.9-1.5-.4-.4-1.500z', fill: 'on' }] },
  unplugged: { hue: 'idle', parts: [{ d: 'M3 3h14v14H3z', stroke: 'c', width: 1.6, dash: '3 2' }] },
  silent: { hue: 'late', parts: [{ d: RING, stroke: 'c', width: 2.2 }, { d: 'M7.6 8a2.4 2.4 0 1 1 3.4 2.200c-.7.3-1 .7-1 1.500M10 13.400v1.4', stroke: 'c', width: 1.8 }] },
  // sessions
  waiting: { hue: 'work', parts: [{ d: RING, stroke: 'c', width: 2.4, dash: '3 2.2' }] },
  paused: { hue: 'work', parts: [{ d: RING, stroke: 'c', width: 2.2 }, { d: 'M8 7v6M12 7v6', stroke: 'c', width: 2 }] },
  watching: { hue: 'work', parts: [{ d: RING, stroke: 'c', width: 2.2 }, { d: 'M10 5.800V10l3 2', stroke: 'c', width: 2 }] },
  ended: { hue: 'idle', parts: [{ d: 'M3 3h14v14H3z', stroke: 'c', width: 1.8 }, { d: TICK, stroke: 'c', width: 2 }] },
  refused: { hue: 'l1', parts: [{ d: RING, stroke: 'c', width: 2.6 }, { d: 'M5 15 15 5', stroke: 'c', width: 2.6 }] },
  late: { hue: 'late', parts: [{ d: 'M4.2 5v4.200h4.200M4.6 9a6.4 6.4 0 1 1-.8 4M10 6.800V10.400l2.6 1.6', stroke: 'c', width: 2 }] },
  queued: { hue: 'late', parts: [{ d: 'M10 12.400V3M6.4 6.4 10 2.800l3.6 3.6', stroke: 'c', width: 2 }, { d: 'M3 16.600h14', stroke: 'c', width: 2, dash: '3 2.5' }] },
  // checks
  check_none: { hue: 'idle', parts: [{ d: RING, stroke: 'c', width: 1.6 }] },
  check_running: { hue: 'ink', parts: [{ d: 'M10 2.200a7.8 7.8 0 0 1 7.8 7.8', stroke: 'c', width: 2.6 }] },
  check_passed: { hue: 'work', parts: [{ d: DISC, fill: 'c' }, { d: TICK, stroke: 'on', width: 2.2 }] },
  check_failed: { hue: 'l1', parts: [{ d: OCTAGON, fill: 'c' }, { d: CROSS, stroke: 'on', width: 2.2 }] },
  check_skipped: { hue: 'idle', parts: [{ d: 'M5 10h10', stroke: 'c', width: 2.4 }] },
  check_next: { hue: 'ink', parts: [{ d: DISC, fill: 'c' }, { d: 'M8 6l4 4-4 4', stroke: 'on', width: 2.2 }] },
  // an alert's life: a disc that fills
  life_open: { hue: 'ink', parts: [{ d: RING, stroke: 'c', width: 1.6 }] },
  life_acknowledged: { hue: 'ink', parts: [{ d: RING, stroke: 'c', width: 1.6 }, { d: 'M10 10V4.200A5.8 5.8 0 0 1 15.8 10z', fill: 'c' }] },
  life_closed: { hue: 'ink', parts: [{ d: RING, stroke: 'c', width: 1.6 }, { d: TICK, stroke: 'c', width: 2 }] },
  life_false: { hue: 'ink', parts: [{ d: RING, stroke: 'c', width: 1.6 }, { d: 'M4.6 15.4 15.4 4.6', stroke: 'c', width: 1.6 }] },
} as const satisfies Record<string, Drawing>

export type ShapeName = keyof typeof SHAPES
export const drawing = (name: ShapeName): Drawing => SHAPES[name]

/** The token of a part's colour. */
export function paint(hue: Hue, role: 'c' | 'on' | 'edge' | 'panel'): `--wg-${string}` {
  if (role === 'panel') return '--wg-panel'
  if (role === 'edge') return hue === 'l2' || hue === 'l3' ? `--wg-${hue}-edge` : paint(hue, 'c')
  if (hue === 'ink') return role === 'c' ? '--wg-ink' : '--wg-on-act'
  return role === 'c' ? `--wg-${hue}` : `--wg-on-${hue}`
}
