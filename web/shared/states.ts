// The words and shapes of the closed lists that the api speaks in: looks of machines, states of sessions, lives of alerts.
// Refuses a state without both words: the types are the api's own.
import type { Shapes } from './client'
import type { ShapeName } from './shapes'

export interface State {
  shape: ShapeName
  zh: string
  en: string
}

export const LOOKS: Record<Shapes['MachineView']['look'], State> = {
  locked: { shape: 'locked', zh: '已上锁', en: 'Locked' },
  armed: { shape: 'armed', zh: '等待在场', en: 'Waiting for presence' },
  unlocked: { shape: 'unlocked', zh: '已解锁', en: 'Unlocked' },
  arcing: { shape: 'arcing', zh: '焊接中', en: 'Welding' },
  blocked: { shape: 'blocked', zh: '已停用', en: 'Out of use' },
  faulted: { shape: 'faulted', zh: '故障', en: 'Faulty' },
  tampered: { shape: 'tampered', zh: '疑似拆改', en: 'Possibly tampered' },
  maintenance: { shape: 'maintenance', zh: '检修', en: 'Maintenance' },
  unplugged: { shape: 'unplugged', zh: '没通电', en: 'Unplugged' },
  silent: { shape: 'silent', zh: '失联', en: 'Silent' },
}

export const LIVES: Record<Shapes['Alert']['state'], State> = {
  open: { shape: 'life_open', zh: '待签收', en: 'Unsigned' },
  acknowledged: { shape: 'life_acknowledged', zh: '已签收', en: 'Signed for' },
  closed: { shape: 'life_closed', zh: '已销号', en: 'Closed' },
}

export const OUTCOMES: Record<NonNullable<Shapes['Alert']['outcome']>, { zh: string; en: string }> = {
  confirmed: { zh: '属实', en: 'Confirmed' },
  false_alarm: { zh: '误报', en: 'False alarm' },
  test: { zh: '测试', en: 'Test' },
  other: { zh: '其他', en: 'Other' },
}

/** The shape of an alert's level. */
export const LEVEL_SHAPES: Record<number, ShapeName> = { 1: 'l1', 2: 'l2', 3: 'l3', 4: 'l4' }
export const LEVELS: Record<number, { zh: string; en: string }> = {
  1: { zh: '一级', en: 'Level 1' },
  2: { zh: '二级', en: 'Level 2' },
  3: { zh: '三级', en: 'Level 3' },
  4: { zh: '四级', en: 'Level 4' },
}
