// The lanes of a day as bars with words: arcs, contact, data, sessions. Pure.
import { clock, clockS, span as lasting } from '@shared/figures'
import type { Bar } from './Lanes.vue'
import { contacts, heard, ms, overlap, unknowns, type Span, type Timeline, type Unknown } from './trace'
import { amps, arcs } from './units'
import { t } from './words'

export function arcLane(line: Timeline): Bar[] {
  const late = heard(line).filter((one) => one.late)
  // one that still burns lasts as far as its boot was heard
  const until = new Map(line.telemetry.map((one) => [one.boot, ms(one.at)]))
  const licensed = new Map(line.sessions.map((one) => [one.id, one.authorised]))
  return line.arcs.map((arc) => {
    const span = { from: ms(arc.started_at), to: arc.ended_at ? ms(arc.ended_at) : Math.max(ms(arc.started_at) + 1000, until.get(arc.boot) ?? 0) }
    const unlicensed = arc.session === null || licensed.get(arc.session) === false
    const words = { from: clockS(span.from), to: clockS(span.to), span: lasting(arc.arc_ms ?? span.to - span.from), peak: amps(arc.peak_a) }
    return { ...span, look: unlicensed ? 'unlicensed' : late.some((one) => overlap(one, span)) ? 'late' : 'work', title: t('arcFor', words) }
  })
}

export function contactLane(line: Timeline): Bar[] {
  return [
    ...contacts(line).map((one): Bar => ({
      ...one, look: one.contact === 'closed' ? 'work' : 'dark', word: t(one.contact === 'closed' ? 'legendClosed' : 'legendOpen'),
      title: `${clock(one.from)}–${clock(one.to)} ${t(one.contact === 'closed' ? 'legendClosed' : 'legendOpen')}`,
    })),
    ...missing(line).map(gapBar),
  ]
}

export function dataLane(line: Timeline): Bar[] {
  return [
    ...heard(line).map((one): Bar => ({
      from: one.from, to: one.to, look: one.late ? 'late' : 'dark', word: one.late ? t('legendLate') : undefined,
      title: `${clock(one.from)}–${clock(one.to)} ${t(one.late ? 'legendLate' : 'laneData')}`,
    })),
    ...missing(line).map((gap): Bar => ({ ...gapBar(gap), word: t('gapUnknown', { span: lasting(gap.to - gap.from) }) })),
  ]
}

export function sessionLane(line: Timeline, now: number): Bar[] {
  return line.sessions.map((one) => {
    const span = { from: ms(one.opened_at), to: one.closed_at ? ms(one.closed_at) : now }
    const word = [one.worker_name, arcs(one.arc_ms)].filter(Boolean).join(' ')
    return { ...span, look: one.historical ? 'outline-late' : 'outline', word, title: `${clock(span.from)}–${one.closed_at ? clock(span.to) : ''} ${word}`, link: { name: 'sessions', query: { open: one.id } } }
  })
}

/** Over what the lane of data has: gaps as they are between two messages, whatever the next one tells of the current. */
function missing(line: Timeline): Unknown[] {
  const gaps = line.unknown.map((gap): Unknown => ({ from: ms(gap.since), to: ms(gap.until), messages: gap.messages, boot: gap.boot, why: gap.why }))
  return [...gaps, ...unknowns(line).filter((one) => one.why === 'unmeasured')]
}

export function gapWords(gap: Pick<Unknown, 'why' | 'messages'>): string {
  if (gap.why === 'unmeasured') return t('gapUnmeasured')
  return t(gap.why === 'lost' ? 'gapLost' : gap.why === 'unreadable' ? 'gapUnreadable' : 'gapComing', { n: gap.messages ?? 0 })
}

function gapBar(gap: Unknown): Bar {
  const span: Span = { from: gap.from, to: gap.to }
  return { ...span, look: 'unknown', title: `${clockS(gap.from)}–${clockS(gap.to)} ${t('gapUnknown', { span: lasting(gap.to - gap.from) })}：${gapWords(gap)}` }
}

