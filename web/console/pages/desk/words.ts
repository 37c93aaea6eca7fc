// Words that the desk's pages share.
import { wordsOf } from '@shared/words'

const zh = {
  all: '全部',
  division: '地区',
  more: '再取一些',
  moreComing: '正在取…',
  leave: '先不做',
  kept: '记在案里，带你的名字，{n}/500 字',
  offline: '没连上平台，什么也没做，请再试一次。',
  tail: '尾号 {tail}',
  clear: '清除筛选',
  calendar: '从日历选',
  optional: '可不填',
  fieldWrong: '这一项不对，请检查。',
  divisionHint: '输入代码，或输入名称后从列表里选',
  enterpriseCode: '单位（统一社会信用代码）',
  enterpriseHint: '输入名称的一部分，从列表里选',
}
const en: Record<keyof typeof zh, string> = {
  all: 'All',
  division: 'Area',
  more: 'Get more',
  moreComing: 'Fetching…',
  leave: 'Not now',
  kept: 'Kept on record with your name, {n}/500',
  offline: 'The platform cannot be reached; nothing was done. Please try again.',
  tail: '…{tail}',
  clear: 'Clear filters',
  calendar: 'Choose from a calendar',
  optional: 'optional',
  fieldWrong: 'Something is wrong here; please check.',
  divisionHint: 'Type the code, or a name and choose from the list',
  enterpriseCode: 'Enterprise (credit code)',
  enterpriseHint: 'Type a part of the name and choose from the list',
}
export const t = wordsOf(zh, en)
