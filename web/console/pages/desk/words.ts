// Words that the desk's pages share.
import { wordsOf } from '@shared/words'

const zh = {
  all: '全部',
  division: '地区',
  state: '状态',
  more: '再取一些',
  moreComing: '正在取…',
  leave: '先不做',
  kept: '记在案里，带你的名字，{n}/500 字',
  copy: '复制',
  copied: '已复制',
  noRight: '你没有做这件事的权限，可向本单位管理员申请。',
  offline: '没连上平台，什么也没做，请再试一次。',
  unknown: '不知道',
  tail: '尾号 {tail}',
  clear: '清除筛选',
  calendar: '从日历选',
}
const en: Record<keyof typeof zh, string> = {
  all: 'All',
  division: 'Area',
  state: 'State',
  more: 'Get more',
  moreComing: 'Fetching…',
  leave: 'Not now',
  kept: 'Kept on record with your name, {n}/500',
  copy: 'Copy',
  copied: 'Copied',
  noRight: 'You have no right to do this; ask your administrator for it.',
  offline: 'The platform cannot be reached; nothing was done. Please try again.',
  unknown: 'Unknown',
  tail: '…{tail}',
  clear: 'Clear filters',
  calendar: 'Choose from a calendar',
}
export const t = wordsOf(zh, en)
