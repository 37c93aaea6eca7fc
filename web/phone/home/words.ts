// The words of the first page and of its settings.
import { wordsOf } from '@shared/words'

export const t = wordsOf(
  {
    head: '扫机身上的码，开焊机',
    why: '持证、本人、在机器旁，三样齐了就通电。',
    step_1: '扫机身铭牌，核对尾号',
    step_2: '手机号登录，平台查证',
    step_3: '机器回报通电，再起弧',
    type: '码坏了？输号码',
    me: '我的',
    sign_in: '登录',
    language: '语言',
    theme: '明暗',
    system: '跟手机',
    light: '浅色',
    dark: '深色',
  },
  {
    head: 'Scan the plate to start the welder',
    why: 'Certified, yourself, at the machine: then it gets power.',
    step_1: 'Scan the plate, compare the last four',
    step_2: 'Sign in by phone; papers are checked',
    step_3: 'Weld once the machine reports power',
    type: 'Code damaged? Type the number',
    me: 'Me',
    sign_in: 'Sign in',
    language: 'Language',
    theme: 'Appearance',
    system: 'As phone',
    light: 'Light',
    dark: 'Dark',
  },
)
