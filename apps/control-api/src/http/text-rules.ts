/** Rules of the packages that schemas name, so that their faults are reported together with all others (VAL-02). */
import type { Faults } from '@iron/database'
import {
  checkBaseUrl,
  checkEmail,
  checkPassword,
  checkProviderName,
  checkUsername,
  isAddressRange,
} from '@iron/token-manager'

type TextRule = (faults: Faults, path: string, value: string) => void

/** Each names what is wrong with a text. */
export const TEXT_RULES = {
  username: checkUsername,
  email: checkEmail,
  password: checkPassword,
  providerName: checkProviderName,
  baseUrl: checkBaseUrl,
  addressRange: (faults, path, value) =>
    faults.check(isAddressRange(value), path, 'must be an IP address or a CIDR range'),
} as const satisfies Record<string, TextRule>

/** What a schema may ask for. */
export type TextRuleName = keyof typeof TEXT_RULES
