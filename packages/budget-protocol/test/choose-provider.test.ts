import { expect, test } from '@jest/globals'
import type { Provider } from '@iron/token-manager'
import { decideProvider } from '../src/index.ts'

const provider = (name: string, facts: Partial<Provider> = {}): Provider => ({
  id: `prov_${name}`,
  name,
  kind: 'openai',
  baseUrl: 'https://api.openai.com/v1',
  models: [],
  status: 'active',
  hasKey: true,
  createdAt: 0,
  updatedAt: 0,
  ...facts,
})

const good = provider('good')
const disabled = provider('disabled', { status: 'disabled' })
const keyless = provider('keyless', { hasKey: false })
const disabledKeyless = provider('both', { status: 'disabled', hasKey: false })

test.each([
  ['none assigned', [], undefined, 'NO_PROVIDER_ASSIGNED'],
  ['none assigned, one named', [], 'good', 'NO_PROVIDER_ASSIGNED'],
  ['the first in order', [good, provider('second')], undefined, 'prov_good'],
  ['disabled ones are skipped', [disabled, good], undefined, 'prov_good'],
  ['keyless ones are skipped', [keyless, good], undefined, 'prov_good'],
  ['none usable: about the first', [keyless, disabled], undefined, 'NO_ACTIVE_KEY'],
  ['none usable: about the first', [disabled, keyless], undefined, 'PROVIDER_DISABLED'],
  ['disabled tells more than keyless', [disabledKeyless], undefined, 'PROVIDER_DISABLED'],
  ['named by name', [provider('other'), good], 'good', 'prov_good'],
  ['named by id', [provider('other'), good], 'prov_good', 'prov_good'],
  ['named but not assigned', [provider('other')], 'good', 'PROVIDER_NOT_ASSIGNED'],
  ['a named one is not replaced by another', [good, disabled], 'disabled', 'PROVIDER_DISABLED'],
  ['a named one without key', [good, keyless], 'keyless', 'NO_ACTIVE_KEY'],
])('ACL-14 %s', (_, assigned, named, expected) => {
  const choice = decideProvider(assigned, named)
  expect(choice.ok ? choice.provider.id : choice.code).toBe(expected)
})
