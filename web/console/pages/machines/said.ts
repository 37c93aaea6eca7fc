// What the chip said, in words: boots, events, results, log lines; why a contact opened; what became of an order. A name that
// is new here is shown as the chip wrote it. Refuses to judge: whether it is a violation is the alert's sentence.
import { inWords } from '@shared/words'
import type { Shapes } from '@shared/client'

export interface Pair {
  zh: string
  en: string
}

type Event = Shapes['EventPoint']
type Body = Event['body']

/** Why a contact opened; also how a session ended. */
export const ENDINGS: Record<string, Pair> = {
  worker: { zh: '焊工自己结束', en: 'Ended by the worker' },
  rule: { zh: '平台按规则上锁', en: 'Locked by a rule of the platform' },
  authority: { zh: '执法人员远程上锁', en: 'Locked by an officer' },
  ticket_end: { zh: '许可到点，自动上锁', en: 'The permission ended' },
  idle: { zh: '停弧太久，自动上锁', en: 'Idle for too long' },
  power_loss: { zh: '断电', en: 'Power lost' },
  removal: { zh: '芯片被拆下', en: 'Chip removed' },
  superseded: { zh: '被下一次作业接替', en: 'The next session took over' },
  fault: { zh: '机器故障', en: 'Machine fault' },
  resume_expired: { zh: '断电太久，没有接着焊', en: 'Power was off for too long' },
  inferred: { zh: '没收到结束消息，按许可时间推定', en: 'No end was reported; taken from the permission' },
}

/** Why a chip refused an order, or the platform let it go. */
export const REFUSALS: Record<string, Pair> = {
  bad_signature: { zh: '签名不对', en: 'wrong signature' },
  wrong_key: { zh: '密钥不对', en: 'wrong key' },
  wrong_chip: { zh: '发错了芯片', en: 'wrong chip' },
  wrong_nonce: { zh: '随机数不对', en: 'wrong nonce' },
  not_yet_valid: { zh: '还没到时间', en: 'not yet valid' },
  expired: { zh: '过了时间', en: 'expired' },
  used: { zh: '已用过', en: 'used before' },
  below_floor: { zh: '已被后来的上锁作废', en: 'made void by a later lock' },
  ticket_store_full: { zh: '芯片存不下', en: 'no room in the chip' },
  no_presence: { zh: '没人按绿钮', en: 'nobody pressed the button' },
  superseded: { zh: '被后一条指令取代', en: 'a later order took its place' },
  busy: { zh: '芯片正忙', en: 'chip busy' },
  blocked: { zh: '机器已停用', en: 'machine out of use' },
  faulted: { zh: '机器故障', en: 'machine faulty' },
  unknown_action: { zh: '芯片不认识这条指令', en: 'unknown to the chip' },
  no_such_session: { zh: '没有这次作业', en: 'no such session' },
  malformed: { zh: '指令格式不对', en: 'malformed' },
}

const BOOTS: Record<string, Pair> = {
  power: { zh: '通电', en: 'power on' },
  watchdog: { zh: '看门狗重启', en: 'watchdog' },
  update: { zh: '更新后重启', en: 'update' },
  command: { zh: '按指令重启', en: 'command' },
  unknown: { zh: '原因不知道', en: 'cause unknown' },
}

const OUTCOMES: Record<string, Pair> = {
  done: { zh: '已执行', en: 'done' },
  waiting: { zh: '等停弧再执行', en: 'waits for the arc to end' },
  refused: { zh: '芯片没接受', en: 'refused' },
  failed: { zh: '没做成', en: 'failed' },
}

const EVENTS: Record<string, (body: Body) => Pair> = {
  relay_closed: (body) => (body.resumed ? { zh: '继电器吸合，接着刚才的作业', en: 'Contact closed, the session goes on' } : { zh: '继电器吸合，机器解锁', en: 'Contact closed, machine unlocked' }),
  relay_opened: (body) => both({ zh: '继电器断开：', en: 'Contact open: ' }, ENDINGS[text(body.reason)] ?? raw(body.reason)),
  arc_started: (body) => withAmps({ zh: '起弧', en: 'Arc started' }, body.peak_a),
  arc_ended: (body) => withAmps({ zh: '停弧', en: 'Arc ended' }, body.peak_a),
  current_while_open: (body) => withAmps({ zh: '继电器读出“断开”，却有电流', en: 'Current while the contact reads open' }, body.peak_a),
  sensor_frozen: () => ({ zh: '电流传感器读数不动，算故障不算焊接', en: 'Current sensor frozen: a fault, not an arc' }),
  ticket_refused: (body) => both({ zh: '芯片没接受开机许可：', en: 'Ticket refused: ' }, REFUSALS[text(body.reason)] ?? raw(body.reason)),
  armed: () => ({ zh: '收到许可，等人按绿钮', en: 'Ticket accepted, waits for the button' }),
  clock_set: (body) => both({ zh: '芯片校时', en: 'Clock set' }, jump(body.jump_ms)),
  buffer_overflow: (body) => {
    const range = `${text(body.lost_from)}–${text(body.lost_to)}`
    return { zh: `芯片存满，丢了第 ${range} 条`, en: `Buffer full: messages ${range} are lost` }
  },
  gas: (body) => ({ zh: `可燃气体 ${text(body.lel_percent)}% 下限`, en: `Combustible gas ${text(body.lel_percent)} % LEL` }),
  firmware_started: (body) => ({ zh: `新固件 ${text(body.version)} 开始运行`, en: `Firmware ${text(body.version)} started` }),
  button: () => ({ zh: '有人按了绿钮', en: 'Button pressed' }),
  time_wanted: () => ({ zh: '芯片要校时', en: 'The chip asks for the time' }),
  mains_lost: () => ({ zh: '市电断了', en: 'Mains lost' }),
  case_opened: () => ({ zh: '机盖被打开', en: 'Case opened' }),
  case_closed: () => ({ zh: '机盖合上', en: 'Case closed' }),
  moved: () => ({ zh: '机器被搬动', en: 'Machine moved' }),
  battery_low: () => ({ zh: '备用电池快没电', en: 'Backup battery low' }),
  sim_changed: () => ({ zh: '换了 SIM 卡', en: 'SIM card changed' }),
  jamming: () => ({ zh: '疑似信号干扰', en: 'Possible jamming' }),
  over_temperature: () => ({ zh: '机内过热', en: 'Too hot inside' }),
  self_test_failed: () => ({ zh: '芯片自检没过', en: 'Self-test failed' }),
}

/** One word of the chip in the language of the screen. */
export function saidOf(event: Event): string {
  if (event.kind === 'boot') return inWords(both({ zh: '芯片启动：', en: 'Chip started: ' }, BOOTS[text(event.body.cause)] ?? raw(event.body.cause)))
  if (event.kind === 'log') return inWords(both({ zh: '芯片日志：', en: 'Log: ' }, raw(event.body.text)))
  if (event.kind === 'result') return inWords(resultOf(event.body))
  const known = EVENTS[event.name]
  return known ? inWords(known(event.body)) : event.name
}

function resultOf(body: Body): Pair {
  const outcome = both({ zh: '芯片回执：', en: 'Chip answered: ' }, OUTCOMES[text(body.outcome)] ?? raw(body.outcome))
  return body.reason ? both(outcome, { zh: `（${refusalOf(body.reason).zh}）`, en: ` (${refusalOf(body.reason).en})` }) : outcome
}

const refusalOf = (reason: unknown): Pair => REFUSALS[text(reason)] ?? raw(reason)

function withAmps(words: Pair, peak: unknown): Pair {
  return typeof peak === 'number' ? both(words, { zh: `，最大 ${Math.round(peak)} A`, en: `, up to ${Math.round(peak)} A` }) : words
}

function jump(by: unknown): Pair {
  if (typeof by !== 'number' || Math.abs(by) < 1000) return { zh: '', en: '' }
  const s = Math.round(by / 1000)
  return { zh: `，拨动 ${s} 秒`, en: `, moved by ${s} s` }
}

const both = (a: Pair, b: Pair): Pair => ({ zh: a.zh + b.zh, en: a.en + b.en })
const raw = (word: unknown): Pair => ({ zh: text(word), en: text(word) })
const text = (word: unknown): string => (word === null || word === undefined ? '—' : String(word))
