// Which acts a certificate's state has a way for, as a list of buttons. The api decides; this offers.
import type { Shapes } from '@shared/client'

export type Act = Shapes['ActRequest']['act']
type Registered = Shapes['CertificateHistory']['registered']

export const ACTS: readonly Act[] = ['verify', 'suspend', 'revoke', 'cancel', 'suspect', 'restore']
const FROM: Record<Act, readonly Registered[]> = {
  verify: ['unverified', 'suspected_fake'],
  suspend: ['unverified', 'verified'],
  revoke: ['unverified', 'verified', 'suspended', 'suspected_fake'],
  cancel: ['unverified', 'verified', 'suspended', 'suspected_fake'],
  suspect: ['unverified', 'verified', 'suspended'],
  restore: ['suspended', 'revoked', 'cancelled', 'suspected_fake'],
}

export const actsFrom = (state: Registered): Act[] => ACTS.filter((one) => FROM[one].includes(state))

/** Those that take something away: they name the law, and their button is red. */
export const withdraws = (act: Act): boolean => act !== 'verify' && act !== 'restore'
