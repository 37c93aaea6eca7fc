// Numbers, times and plates as screens write them: commas, tail numbers, spans, ages, clock times of the place where people are.
// Refuses to round what is unknown into a number: that is the caller's `—`.
import { language } from './words'

const CLOCK = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
const CLOCK_S = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })
const DAY = new Intl.DateTimeFormat('sv-SE', { year: 'numeric', month: '2-digit', day: '2-digit' })

/** 9412 → 9,412. */
export function count(n: number): string {
  return n.toLocaleString('en-US')
}

/** Inside circles of the map only: 1.2千, 1.1万 (English 1.2k, 11k). */
export function short(n: number): string {
  if (n < 1000) return String(n)
  if (language.value === 'en') return n < 10_000 ? `${(n / 1000).toFixed(1)}k` : `${Math.round(n / 1000)}k`
  return n < 10_000 ? `${(n / 1000).toFixed(1)}千` : `${(n / 10_000).toFixed(1)}万`
}

/** The last four of a plate: what a person compares. */
export function tail(plate: string): string {
  return plate.slice(-4)
}

/** 41050610003021745 → 410506 1 000302 1745 (division, kind, number; the tail holds the check character). */
export function grouped(plate: string): string {
  return `${plate.slice(0, 6)} ${plate.slice(6, 7)} ${plate.slice(7, -4)} ${plate.slice(-4)}`
}

/** 07:09 */
export function clock(at: string | number | Date): string {
  return CLOCK.format(new Date(at))
}

/** 07:09:31 */
export function clockS(at: string | number | Date): string {
  return CLOCK_S.format(new Date(at))
}

/** 2026-11-23 */
export function day(at: string | number | Date): string {
  return DAY.format(new Date(at))
}

/** 11-23 07:09; the day alone is left out when it is today. */
export function moment(at: string | number | Date, now: number = Date.now()): string {
  const on = day(at)
  return on === day(now) ? clock(at) : `${on.slice(5)} ${clock(at)}`
}

/** Arc time h:mm, as on the dial: 4:27. */
export function arcTime(ms: number): string {
  const minutes = Math.floor(ms / 60_000)
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}`
}

/** A span in words: 6 小时 12 分, 21 分钟, 40 秒 / 6 h 12 min, 21 min, 40 s. */
export function span(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000))
  const zh = language.value === 'zh'
  if (s < 60) return zh ? `${s} 秒` : `${s} s`
  const m = Math.floor(s / 60)
  if (m < 60) return zh ? `${m} 分钟` : `${m} min`
  const h = Math.floor(m / 60)
  if (h < 48) return zh ? `${h} 小时${m % 60 ? ` ${m % 60} 分` : ''}` : `${h} h${m % 60 ? ` ${m % 60} min` : ''}`
  return zh ? `${Math.floor(h / 24)} 天` : `${Math.floor(h / 24)} days`
}

/** A count-down: 3:48 below an hour, above it 1 时 41 / 1 h 41. Never below 0:00. */
export function left(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000))
  const m = Math.floor(s / 60)
  if (m < 60) return `${m}:${String(s % 60).padStart(2, '0')}`
  const h = Math.floor(m / 60)
  if (h < 48) return language.value === 'zh' ? `${h} 时 ${m % 60}` : `${h} h ${m % 60}`
  return language.value === 'zh' ? `${Math.floor(h / 24)} 天` : `${Math.floor(h / 24)} d`
}

/** How old something is: 2 秒前 / 2 s ago. */
export function age(ms: number): string {
  return language.value === 'zh' ? `${span(ms)}前` : `${span(ms)} ago`
}
