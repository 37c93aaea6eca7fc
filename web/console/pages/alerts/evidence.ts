// The evidence of an alert as rows: what the chip said in its span, where it said nothing, what was ordered, when the rule spoke.
// Pure. Refuses to leave out what speaks for the machine: quiet messages are only folded, never dropped.
import type { Shapes } from '@shared/client'
import { clockS, count, moment, span as lasting, tail } from '@shared/figures'
import type { ShapeName } from '@shared/shapes'
import { inWords } from '@shared/words'
import { gapWords } from '../machines/lanes'
import { KINDS, STATES } from '../machines/orders'
import { saidOf } from '../machines/said'
import { ARC_A, ms, type Point, type Span, type Timeline } from '../machines/trace'
import { amps } from '../machines/units'
import { refusalWords } from './refusals'
import { t } from './words'

type Alert = Shapes['Alert']

export interface Row {
  key: string
  at: number
  /** Among rows of one moment: the chip's own number. */
  order: number
  what: string
  from: string
  fromTitle?: string
  look: 'plain' | 'late' | 'gap'
  shape?: ShapeName
  /** Shown at once; the others unfold. */
  matters: boolean
}

const DAY_MS = 86_400_000
const MARGIN_MS = 5 * 60_000
/** Less than the seven days that one timeline holds. */
const MOST_MS = 7 * DAY_MS - 60_000
/** After the last word of a silent chip nothing comes: what was before it tells more. */
const BEFORE_SILENCE_MS = 12 * 3_600_000

/** Whether it is about one machine or chip; else it is about the whole platform. */
export const ofMachine = (alert: Alert): boolean => alert.plate !== null || alert.chip !== null

/** The span that the chart and the evidence of an alert cover. */
export function spanOf(alert: Alert): Span {
  const since = ms(alert.since)
  if (alert.code === 'D06') return { from: since - BEFORE_SILENCE_MS, to: since + 3_600_000 }
  const to = Math.max(ms(alert.last_at), since) + MARGIN_MS
  return { from: since - MARGIN_MS, to: Math.min(to, since - MARGIN_MS + MOST_MS) }
}

/** Rows in order of time. `line` is null where no machine or no right is there. */
export function rowsOf(alert: Alert, line: Timeline | null, orders: Shapes['Command'][]): Row[] {
  const within = spanOf(alert)
  const given = orders.filter((one) => ms(one.created_at) >= within.from && ms(one.created_at) <= within.to + MARGIN_MS)
  const rows = [...raisedRows(alert), ...given.map(orderRow)]
  if (line) rows.push(...pointRows(line.telemetry, alert), ...line.events.map(eventRow), ...line.unknown.map(gapRow))
  return rows.sort((a, b) => a.at - b.at || a.order - b.order)
}

function raisedRows(alert: Alert): Row[] {
  const version = alert.evidence.rules_version
  const from = typeof version === 'number' ? t('fromRuleVersion', { code: alert.code, n: version }) : t('fromRule', { code: alert.code })
  const raised: Row = {
    key: 'raised', at: ms(alert.raised_at), order: Number.MAX_SAFE_INTEGER, look: 'plain', matters: true, from, shape: 'life_open',
    what: alert.occurrences > 1 ? t('raisedTimes', { n: count(alert.occurrences) }) : t('raised'),
  }
  return [...refusedRows(alert), ...countedRows(alert), raised]
}

function refusedRows(alert: Alert): Row[] {
  const { reasons, live_on } = alert.evidence
  const rows: Row[] = []
  const row = { order: 0, at: ms(alert.since), look: 'plain', matters: true, from: t('fromCheck') } as const
  if (Array.isArray(reasons)) rows.push({ ...row, key: 'refused', what: t('refused', { reasons: refusalWords(reasons.map(String)) }) })
  if (Array.isArray(live_on) && live_on.length > 0) rows.push({ ...row, key: 'elsewhere', what: t('elsewhere', { tails: live_on.map((plate) => tail(String(plate))).join('、') }) })
  return rows
}

/** A whole outage: what was online when it was still well, and what was left. */
function countedRows(alert: Alert): Row[] {
  const { chips, online_before: before, online_now: left } = alert.evidence
  if (typeof chips !== 'number' || typeof before !== 'number' || typeof left !== 'number') return []
  const row = { order: 0, look: 'plain', matters: true, from: t('fromCount') } as const
  return [
    { ...row, key: 'before', at: ms(alert.since), what: t('onlineBefore', { n: count(before), chips: count(chips) }) },
    { ...row, key: 'left', at: ms(alert.raised_at), what: t('onlineNow', { n: count(left) }) },
  ]
}

function pointRows(points: Point[], alert: Alert): Row[] {
  const loud = points.filter((one) => (one.peak_a ?? 0) >= ARC_A)
  const highest = loud.reduce<Point | null>((best, one) => (best && (best.peak_a ?? 0) >= (one.peak_a ?? 0) ? best : one), null)
  const last = loud.at(-1)
  const after = last ? points[points.indexOf(last) + 1] : undefined
  return points.map((one): Row => {
    const first = one.boot === alert.evidence.boot && one.seq === alert.evidence.seq
    return { ...chipRow(one), what: measured(one), matters: first || one === loud[0] || one === highest || one === last || one === after }
  })
}

function measured(one: Point): string {
  if (one.span_ms > 0 && one.current_a === null && one.peak_a === null) return t('unmeasured')
  const contact = one.contact === null ? '' : t(one.contact === 'open' ? 'contactOpen' : 'contactClosed')
  if ((one.peak_a ?? 0) < ARC_A) return t(contact ? 'idle' : 'idleBlind', { contact })
  return t(contact ? 'measured' : 'measuredBlind', { peak: amps(one.peak_a), mean: amps(one.current_a), contact })
}

/** Talk of a chip that changes nothing in what happened. */
const QUIET = new Set(['time_wanted', 'clock_set', 'log', 'battery_low'])

function eventRow(one: Shapes['EventPoint']): Row {
  return { ...chipRow(one), what: saidOf(one), matters: !QUIET.has(one.name) }
}

function chipRow(one: { boot: number; seq: number; at: string; received_at: string; late: 'live' | 'chip' | 'ours' }): Omit<Row, 'what' | 'matters'> {
  const late = one.late !== 'live'
  return {
    key: `${one.boot}·${one.seq}`, at: ms(one.at), order: one.seq, look: late ? 'late' : 'plain', shape: late ? 'late' : undefined,
    from: t('fromChip', { seq: count(one.seq) }) + (late ? ` · ${t('receivedLate', { at: moment(one.received_at) })}` : ''),
    fromTitle: t('fromChipTitle', { boot: count(one.boot), seq: count(one.seq), at: `${moment(one.received_at)} ${clockS(one.received_at)}` }),
  }
}

function gapRow(gap: Shapes['Unknown']): Row {
  const [from, to] = [ms(gap.since), ms(gap.until)]
  const what = `${t('gapRow', { span: lasting(to - from) })}：${gapWords(gap)}`
  return { key: `gap ${gap.boot} ${gap.since}`, at: from, order: 0, look: 'gap', matters: true, from: t('fromGapFew', { n: count(gap.messages) }), what }
}

function orderRow(one: Shapes['Command']): Row {
  const what = t('ordered', { what: inWords(KINDS[one.kind]), state: inWords(STATES[one.state]) || one.state })
  return { key: one.id, at: ms(one.created_at), order: 0, look: 'plain', matters: true, from: t('fromOrder'), shape: STATES[one.state]?.shape, what }
}
