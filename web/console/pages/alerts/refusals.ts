// Why a start was refused, as said of somebody else, in a few words. A reason that is new here is shown as it is.
import { inWords, language } from '@shared/words'

const REASONS: Record<string, { zh: string; en: string }> = {
  no_certificate: { zh: '没查到焊接作业证', en: 'no welding certificate found' },
  certificate_unverified: { zh: '证还没核对完', en: 'certificate not verified yet' },
  certificate_expired: { zh: '证已过期', en: 'certificate expired' },
  certificate_not_yet_valid: { zh: '证还没生效', en: 'certificate not valid yet' },
  review_overdue: { zh: '该复审没复审', en: 're-examination overdue' },
  certificate_revoked: { zh: '证已撤销', en: 'certificate revoked' },
  certificate_cancelled: { zh: '证已注销', en: 'certificate cancelled' },
  certificate_suspended: { zh: '证暂停使用', en: 'certificate suspended' },
  certificate_suspected_fake: { zh: '证的真假要核对', en: 'certificate needs checking' },
  wrong_item: { zh: '证的项目对不上', en: 'wrong item on the certificate' },
  wrong_domain: { zh: '证不能用在这类场所', en: 'certificate not good for this place' },
  certificate_in_use_elsewhere: { zh: '证正在别处开着机', en: 'certificate in use elsewhere' },
  worker_suspended: { zh: '焊工被暂停', en: 'worker suspended' },
  under_age: { zh: '不满 18 岁', en: 'under 18' },
  off_post: { zh: '离岗满六个月', en: 'off the post for six months' },
  verification_stale: { zh: '太久没核对证', en: 'certificate not checked for too long' },
  over_age: { zh: '超过退休年龄', en: 'over the retirement age' },
}

export function refusalWords(reasons: string[]): string {
  return reasons.map((one) => inWords(REASONS[one]) || one).join(language.value === 'zh' ? '；' : '; ')
}
