import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { loadConfig } from '../config.ts'
import { playWorkedSession } from '../demo/worked-session.ts'
import { ApiServer } from '../server.ts'
import { StateManager } from '../state-manager.ts'
import { createFirstAdmin } from './serve.ts'

/** The operator's price of the worked session (http-api 6). */
const DEMO_PRICE = { model: 'demo-large', usdPerMillion: { input: '2.5', output: '10' } }

/** Plays the worked session against a server of its own, on a free port and a database that is gone afterwards. */
export async function demo(): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'iron-demo-'))
  const email = 'admin@example.com'
  const password = randomBytes(18).toString('base64url')
  try {
    const defaults = loadConfig({ DATABASE_URL: path.join(folder, 'demo.db'), PORT: '0', LOG_LEVEL: 'warn' })
    const state = new StateManager({ ...defaults, adminEmail: email, adminPassword: password, prices: [DEMO_PRICE] })
    await createFirstAdmin(state)
    const server = new ApiServer(state, 0)
    const serving = server.start()
    const { port } = await server.address
    try {
      process.stdout.write(`A server on port ${port} with a temporary database plays the worked session.\n\n`)
      await playWorkedSession(
        { address: `http://127.0.0.1:${port}`, email, password },
        (text) => void process.stdout.write(`${text}\n`),
      )
    } finally {
      await server.stop('demo finished')
      await serving
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
