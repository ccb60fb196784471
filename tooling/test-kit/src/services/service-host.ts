/**
 * Owns one private service for all test processes of this machine; see `shared-service.ts`. Run as a program:
 * `node service-host.ts postgres|redis`.
 */
import { unlinkSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { privatePostgres } from './postgres.ts'
import type { PrivateService } from './private-service.ts'
import { privateRedis } from './redis.ts'
import { hostAddress, type ServiceName } from './shared-service.ts'

/** Long enough for the next test file to come, short enough not to be a leftover. */
const LINGER_MS = 20_000

const name: ServiceName = process.argv[2] === 'redis' ? 'redis' : 'postgres'
const address = hostAddress(name)
const claims = new Set<Socket>()
let service: Promise<PrivateService> | undefined
let leaving: NodeJS.Timeout | undefined

const server = createServer((socket) => {
  clearTimeout(leaving)
  claims.add(socket)
  socket.on('error', () => undefined)
  socket.on('close', () => {
    claims.delete(socket)
    if (claims.size === 0) lingerAndLeave()
  })
  service ??= name === 'postgres' ? privatePostgres() : privateRedis()
  service.then(
    ({ url }) => socket.write(`${url}\n`),
    (error: unknown) => socket.end(`error ${String(error).replaceAll('\n', ' ')}\n`),
  )
})

function lingerAndLeave(): void {
  clearTimeout(leaving)
  leaving = setTimeout(() => void leave(), LINGER_MS)
}

async function leave(): Promise<void> {
  // First the name, so that whoever comes now starts a host of their own.
  server.close()
  for (const socket of claims) socket.destroy()
  await service?.then((running) => running[Symbol.asyncDispose]()).catch(() => undefined)
  process.exit(0)
}

/** The name is taken by a living host, or (only where it is a file) left behind by a dead one. */
function nameTaken(): void {
  const other = connect(address)
  other.on('connect', () => process.exit(0))
  other.on('error', () => {
    if (process.platform === 'linux' || process.platform === 'win32') process.exit(0)
    unlinkSync(address)
    server.listen(address)
  })
}

server.on('error', nameTaken)
server.listen(address, lingerAndLeave)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void leave())
