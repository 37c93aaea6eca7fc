// Orders to machines in words: what was ordered, by whom, how far it came. Refuses to call an order done before the chip says so.
import type { Shapes } from '@shared/client'
import type { ShapeName } from '@shared/shapes'
import type { Pair } from './said'

type Command = Shapes['Command']

export const KINDS: Record<Command['kind'], Pair> = {
  ticket: { zh: '开机许可', en: 'Permission to start' },
  lock: { zh: '上锁', en: 'Lock' },
  end: { zh: '结束作业', en: 'End the session' },
}

export const BY: Record<Command['by'], Pair> = {
  worker: { zh: '焊工', en: 'Worker' },
  rule: { zh: '平台规则', en: 'Rule' },
  authority: { zh: '执法人员', en: 'Officer' },
}

export const STATES: Record<string, Pair & { shape: ShapeName }> = {
  queued: { shape: 'queued', zh: '还没发出', en: 'Not sent yet' },
  sent: { shape: 'check_running', zh: '已发，等回执', en: 'Sent, no answer yet' },
  waiting: { shape: 'watching', zh: '等停弧', en: 'Waits for the arc to end' },
  done: { shape: 'check_passed', zh: '芯片已执行', en: 'Done by the chip' },
  refused: { shape: 'check_failed', zh: '芯片没接受', en: 'Refused by the chip' },
  failed: { shape: 'check_failed', zh: '没做成', en: 'Failed' },
  expired: { shape: 'check_skipped', zh: '过时作废', en: 'Expired' },
  superseded: { shape: 'check_skipped', zh: '被后一条取代', en: 'A later order took its place' },
}
