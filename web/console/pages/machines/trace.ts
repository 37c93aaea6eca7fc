// One machine's timeline as things to draw: current by honesty and licence, spans that nobody knows, lanes of contact and
// data. Pure. Refuses to connect over gaps: between two boots nothing is drawn, between missing numbers it is unknown.
import type { Shapes } from '@shared/client'

export type Timeline = Shapes['Timeline']
export type Point = Shapes['TelemetryPoint']

/** Milliseconds since 1970, both. */
export interface Span {
  from: number
  to: number
}

export interface Unknown extends Span {
  /** How many messages are missing; null where the message came and its sensor knew nothing. */
  messages: number | null
  boot: number
  why: 'lost' | 'unreadable' | 'unmeasured' | null
}

/** How a stretch of current is drawn: what came at once, what came later, what nobody licensed. */
export type Kind = 'live' | 'late' | 'unlicensed'

export interface Stretch extends Span {
  kind: Kind
  meanA: number
  peakA: number
}

export interface Heard extends Span {
  late: boolean
}

export interface ContactSpan extends Span {
  contact: 'open' | 'closed'
}

/** Below this a current is a pilot arc or leakage (chip-protocol.md). */
export const ARC_A = 15
/** The chip's clock and ours agree within seconds: so close to the end nothing is held against anybody. */
const END_TOLERANCE_MS = 2_000
/** Messages that touch within this belong together: rounding of steps. */
const TOUCH_MS = 1_500

export const ms = (at: string): number => new Date(at).getTime()

/** The measured stretches in order of time; they never overlap. */
export function stretches(line: Timeline): Stretch[] {
  const sessions = new Map(line.sessions.map((one) => [one.id, one]))
  const found: Stretch[] = []
  let until = -Infinity
  for (const point of line.telemetry) {
    if (point.span_ms === 0 || (point.current_a === null && point.peak_a === null)) continue
    const span = { from: Math.max(ms(point.at) - point.span_ms, until), to: ms(point.at) }
    if (span.to <= span.from) continue
    const peakA = Math.max(0, point.peak_a ?? point.current_a ?? 0)
    const meanA = Math.min(peakA, Math.max(0, point.current_a ?? peakA))
    found.push({ ...span, kind: kind(point, peakA, span.from, sessions), meanA, peakA })
    until = span.to
  }
  return found
}

function kind(point: Point, peakA: number, from: number, sessions: Map<string, Shapes['Session']>): Kind {
  if (peakA >= ARC_A && unlicensed(point, from, sessions)) return 'unlicensed'
  return point.late === 'live' ? 'live' : 'late'
}

/** No session, one that is known not to be ours, or one whose permission had ended. Not knowing is no violation. */
function unlicensed(point: Point, from: number, sessions: Map<string, Shapes['Session']>): boolean {
  if (point.session === null) return true
  const session = sessions.get(point.session)
  if (!session) return false
  return session.authorised === false || (session.ends_at !== null && from > ms(session.ends_at) + END_TOLERANCE_MS)
}

/** Where nobody knows: numbers that are missing, less what the next message still tells of, and samples without a value. */
export function unknowns(line: Timeline): Unknown[] {
  const told = line.telemetry.map((point) => ({ from: ms(point.at) - point.span_ms, to: ms(point.at) }))
  const missing = line.unknown.flatMap((gap) =>
    without({ from: ms(gap.since), to: ms(gap.until) }, told).map((span) => ({ ...span, messages: gap.messages, boot: gap.boot, why: gap.why })),
  )
  const unmeasured = line.telemetry
    .filter((point) => point.span_ms > 0 && point.current_a === null && point.peak_a === null)
    .map((point): Unknown => ({ from: ms(point.at) - point.span_ms, to: ms(point.at), messages: null, boot: point.boot, why: 'unmeasured' }))
  return joined([...missing, ...unmeasured].sort((a, b) => a.from - b.from))
}

/** Unknown spans of one sort that touch are one span for the eye. */
function joined(spans: Unknown[]): Unknown[] {
  const found: Unknown[] = []
  for (const span of spans) {
    const last = found.at(-1)
    if (last && last.why === span.why && span.from - last.to < TOUCH_MS && last.why === 'unmeasured') last.to = Math.max(last.to, span.to)
    else found.push({ ...span })
  }
  return found
}

/** When the chip was heard: between two words of one boot, none missing, it was there. Power off is nothing, and blank. */
export function heard(line: Timeline): Heard[] {
  const gaps = line.unknown.map((gap) => ({ from: ms(gap.since), to: ms(gap.until) }))
  const found: Heard[] = []
  for (const [one, next] of pairs(line)) {
    const late = next.late !== 'live'
    for (const span of without({ from: one.at, to: next.at }, gaps)) {
      const last = found.at(-1)
      if (last && last.late === late && span.from - last.to < 1) last.to = span.to
      else found.push({ ...span, late })
    }
  }
  return found
}

/** What the contact was read back as, where no word is missing. */
export function contacts(line: Timeline): ContactSpan[] {
  const gaps = line.unknown.map((gap) => ({ from: ms(gap.since), to: ms(gap.until) }))
  const found: ContactSpan[] = []
  for (const [one, next] of pairs(line)) {
    if (one.contact === null) continue
    for (const span of without({ from: one.at, to: next.at }, gaps)) {
      const last = found.at(-1)
      if (last && last.contact === one.contact && span.from - last.to < 1) last.to = span.to
      else found.push({ ...span, contact: one.contact })
    }
  }
  return found
}

interface Word {
  at: number
  boot: number
  seq: number
  late: 'live' | 'chip' | 'ours'
  contact: 'open' | 'closed' | null
}

/** Each two words that follow one another in a boot, with the contact as known after the first. */
function pairs(line: Timeline): [Word, Word][] {
  const words = said(line)
  const found: [Word, Word][] = []
  let contact: Word['contact'] = null
  words.forEach((word, at) => {
    const before = words[at - 1]
    if (before?.boot !== word.boot) contact = null
    else found.push([{ ...before, contact }, word])
    contact = word.contact ?? contact
  })
  return found
}

function said(line: Timeline): Word[] {
  const telemetry = line.telemetry.map((one): Word => ({ at: ms(one.at), boot: one.boot, seq: one.seq, late: one.late, contact: one.contact }))
  const events = line.events.map((one): Word => ({ at: ms(one.at), boot: one.boot, seq: one.seq, late: one.late, contact: toldBy(one) }))
  const words = [...telemetry, ...events].sort((a, b) => a.at - b.at || a.boot - b.boot || a.seq - b.seq)
  return before(line.telemetry[0], words)
}

/** The first message tells of its whole span: changes are told at once, so the contact was the same from its beginning on. */
function before(first: Point | undefined, words: Word[]): Word[] {
  const word = words[0]
  if (!first || !word || first.span_ms === 0 || first.boot !== word.boot || first.seq !== word.seq) return words
  return [{ ...word, at: word.at - first.span_ms }, ...words]
}

function toldBy(event: Shapes['EventPoint']): Word['contact'] {
  if (event.name === 'relay_closed') return 'closed'
  if (event.name === 'relay_opened') return 'open'
  return event.kind === 'boot' && (event.body.contact === 'open' || event.body.contact === 'closed') ? event.body.contact : null
}

/** A span less others. */
export function without(span: Span, others: Span[]): Span[] {
  let rest = [span]
  for (const other of others) {
    if (other.to <= span.from || other.from >= span.to) continue
    rest = rest.flatMap((one) => [
      { from: one.from, to: Math.min(one.to, other.from) },
      { from: Math.max(one.from, other.to), to: one.to },
    ]).filter((one) => one.to > one.from)
  }
  return rest
}

/** Whether two spans share more than an edge. */
export const overlap = (a: Span, b: Span): boolean => a.from < b.to && b.from < a.to

/** The columns of a chart: x in seconds and, for each kind, the peak line and the mean area; null where it is not that kind. */
export interface Columns {
  x: number[]
  y: Record<Kind, { peak: (number | null)[]; mean: (number | null)[] }>
}

export const KINDS: readonly Kind[] = ['live', 'late', 'unlicensed']

export function columns(found: Stretch[]): Columns {
  const x: number[] = []
  const y = { live: column(), late: column(), unlicensed: column() }
  const put = (at: number, kind: Kind | null, meanA: number, peakA: number) => {
    x.push(at / 1000)
    for (const one of KINDS) {
      y[one].peak.push(kind === one ? peakA : null)
      y[one].mean.push(kind === one ? meanA : null)
    }
  }
  found.forEach((one, at) => {
    const before = found[at - 1]
    const next = found[at + 1]
    if (!before || !together(before, one)) put(one.from, one.kind, 0, 0)
    put(one.from, one.kind, one.meanA, one.peakA)
    put(one.to, one.kind, one.meanA, one.peakA)
    // a line ends where the data ends, and where its colour does
    if (!next || !together(one, next)) {
      put(one.to, one.kind, 0, 0)
      put(one.to, null, 0, 0)
    }
  })
  return { x, y }
}

const together = (one: Stretch, next: Stretch): boolean => next.kind === one.kind && next.from - one.to <= TOUCH_MS

function column(): { peak: (number | null)[]; mean: (number | null)[] } {
  return { peak: [], mean: [] }
}

/** What a span of the timeline comes to, for the sentence before the chart. */
export interface Sum {
  arcMs: number
  peakA: number | null
  lateMs: number
  unknownMs: number
  unlicensedMs: number
}

export function sum(line: Timeline): Sum {
  const found = stretches(line)
  const lasting = (spans: Span[]) => spans.reduce((all, one) => all + one.to - one.from, 0)
  const peaks = found.map((one) => one.peakA).filter((a) => a >= ARC_A)
  return {
    arcMs: line.telemetry.reduce((all, one) => all + (one.arc_ms ?? 0), 0),
    peakA: peaks.length > 0 ? peaks.reduce((a, b) => Math.max(a, b)) : null,
    lateMs: lasting(heard(line).filter((one) => one.late)),
    unknownMs: lasting(unknowns(line)),
    unlicensedMs: lasting(found.filter((one) => one.kind === 'unlicensed')),
  }
}
