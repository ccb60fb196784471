/** Serves the API on a database in memory, with three users to try it as. SIGTERM and SIGINT end it. */
import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { openDatabase } from '@iron/database'
import { SessionService, TokenManager, UserService } from '@iron/token-manager'
import { createApp } from './app.ts'

const PASSWORD = 'a password to try it with'

const db = await openDatabase(':memory:')
const users = new UserService(db)
const tokens = new TokenManager(db)
const sessions = new SessionService(db, { keys: [{ kid: 'k1', secret: randomBytes(32) }] })

const ann = await users.bootstrapAdmin({ username: 'ann', email: 'ann@example.com', password: PASSWORD })
const bob = await users.createUser('bob', PASSWORD, 'bob@example.com', 'user', ann.id)
const cleo = await users.createUser('cleo', PASSWORD, 'cleo@example.com', 'viewer', ann.id)
for (const user of [ann, bob, cleo]) {
  console.log(`${user.role}: ${user.email}, API token ${await tokens.createToken(user.id, 'try')}`)
}

const server = createApp({ sessions, tokens }).listen(Number(process.env['PORT'] ?? 4000), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    server.close(() => void db.close())
    server.closeIdleConnections()
  })
}
