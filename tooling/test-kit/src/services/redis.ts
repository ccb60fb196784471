import { startProcess } from '../start-process.ts'
import { redisProgram } from './binaries.ts'
import { type PrivateService, startPrivate } from './private-service.ts'

/** Whether this machine has the program for a private Redis. */
export function canStartRedis(): boolean {
  return process.platform !== 'win32' && redisProgram() !== undefined
}

/** A Redis of the caller's own, database 15 like the default; each write survives a restart. @throws Error when it is not installed */
export function privateRedis(): Promise<PrivateService> {
  const program = redisProgram()
  if (program === undefined) throw new Error('Redis is not installed: no redis-server found')
  return startPrivate({
    name: 'redis',
    stopSignal: 'SIGTERM',
    prepare: () => Promise.resolve(),
    start: (folder, port) =>
      startProcess(
        program,
        [
          ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder],
          ...['--save', '', '--appendonly', 'yes', '--appendfsync', 'always'],
        ],
        { ready: /Ready to accept connections/, cwd: folder, ownedFolder: folder },
      ),
    url: (port) => `redis://127.0.0.1:${port}/15`,
  })
}
