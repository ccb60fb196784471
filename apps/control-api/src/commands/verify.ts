import { loadConfig } from '../config.ts'
import { StateManager } from '../state-manager.ts'

/** Recomputes every balance from the ledger and walks both hash chains. Exit code 1 names what differs. */
export async function verify(): Promise<void> {
  await using state = new StateManager(loadConfig())
  const { ledger, audit } = await state.services()
  const faults = await ledger.verify()
  for (const fault of faults) process.stdout.write(`ledger: ${JSON.stringify(fault)}\n`)
  const chain = await audit.verify()
  if (!chain.ok) process.stdout.write(`audit: ${chain.fault} at ${chain.seq}\n`)
  const head = `${chain.head.seq} ${chain.head.hash}`
  process.stdout.write(
    `${faults.length === 0 ? 'ledger ok' : `ledger: ${faults.length} faults`}, ${chain.ok ? 'audit ok' : 'audit broken'}, audit head ${head}\n`,
  )
  if (faults.length > 0 || !chain.ok) process.exitCode = 1
}
