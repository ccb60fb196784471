import type { AddressInfo } from 'node:net'
import { limitedServer } from './server.ts'

const server = limitedServer({ burst: 3, refillMs: 2_000, perMonth: 10_000 })
server.listen(Number(process.env['PORT'] ?? 4001), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => server.close())
