import type { ProviderKeyStorage } from '@iron/token-manager'
import { openInstallation } from './installation.ts'

/** How often in a row nothing may be rewrapped although something is left: others changed the same rows. */
const IDLE_STEPS_MAX = 10

/**
 * `iron vault rewrap`: seals every provider key anew with the current master key, in steps of their own, beside running servers.
 * Interrupted, it goes on where it was.
 *
 * @throws Error naming the master keys that are in use and missing; nothing is changed then
 */
export async function rewrapVault({ batch }: { readonly batch?: number | undefined }): Promise<void> {
  await using state = await openInstallation()
  const { keys } = await state.services()
  await refuseMissingKeys(keys)
  let idle = 0
  for (let left = 1; left > 0;) {
    const step = await keys.rewrap({ limit: batch })
    left = step.left
    process.stdout.write(`rewrapped ${String(step.rewrapped)}, ${String(left)} left\n`)
    idle = step.rewrapped === 0 ? idle + 1 : 0
    if (left > 0 && idle > IDLE_STEPS_MAX) throw new Error('others keep changing the keys that are left: try again')
  }
  const inUse = (await keys.checkCanary()).map(({ vaultKeyId }) => vaultKeyId)
  process.stdout.write(`master keys in use: ${inUse.join(', ')}\n`)
}

async function refuseMissingKeys(keys: ProviderKeyStorage): Promise<void> {
  const missing = (await keys.checkCanary()).filter(({ ok }) => !ok).map(({ vaultKeyId }) => vaultKeyId)
  if (missing.length === 0) return
  throw new Error(
    `IRON_MASTER_KEYS does not hold ${missing.join(', ')} as it was when provider keys were sealed with it: add it behind the current one`,
  )
}
