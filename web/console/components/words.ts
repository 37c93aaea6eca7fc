// Words of the components that all pages share.
import { wordsOf } from '@shared/words'

const zh = {
  again: '没取到数据，3 秒后再试',
  refused: '没取到数据',
  number: '编号 {id}',
  slow: '正在取数据',
  tail: '尾号 {tail}',
  signLeft: '签收还剩 {left}',
  signLate: '签收已超时 {left}',
  closeLeft: '办结还剩 {left}',
  closeLate: '办结已超时 {left}',
  sign: '签收',
  evidence: '看证据',
  signing: '正在签收…',
  historical: '历史',
  times: '{n} 次',
  stale: '{age}，可能不准',
}
const en: Record<keyof typeof zh, string> = {
  again: 'No data came; trying again in 3 s',
  refused: 'No data came',
  number: 'no. {id}',
  slow: 'Fetching data',
  tail: '…{tail}',
  signLeft: 'sign within {left}',
  signLate: 'unsigned, {left} late',
  closeLeft: 'close within {left}',
  closeLate: 'not closed, {left} late',
  sign: 'Sign for it',
  evidence: 'See evidence',
  signing: 'Signing…',
  historical: 'historical',
  times: '{n} times',
  stale: '{age}, may be wrong',
}
export const t = wordsOf(zh, en)
