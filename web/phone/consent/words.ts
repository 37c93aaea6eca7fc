// The words around the text on personal data; the text itself comes from the platform.
import { wordsOf } from '@shared/words'

export const t = wordsOf(
  {
    title: '你的个人信息怎么用',
    why: '请看一遍。同不同意都可以开机。',
    read: '看全文',
    agree: '看过了，同意',
    later: '以后再说',
    not_kept: '没记下，连不上平台。请再点一次。',
  },
  {
    title: 'How your personal data are used',
    why: 'Please read it. You can start machines either way.',
    read: 'Read it all',
    agree: 'Read, and I agree',
    later: 'Later',
    not_kept: 'Not recorded: no link to the platform. Press again.',
  },
)
