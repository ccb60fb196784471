import type { RequestListener } from 'node:http'
import { createIdSource } from '@iron/database'
import { pino } from 'pino'
import { type ApplicationOptions, createApplication } from '../../src/http/application.ts'
import { Listener, type ListenerOptions } from '../../src/http/listener.ts'
import type { RouteDefinition } from '../../src/http/route.ts'
import { fakeServices } from './fake-services.ts'
import { HttpClient } from './http-client.ts'

/** The framework on a loopback port, around routes of a test. */
export interface TestListener extends AsyncDisposable {
  readonly port: number
  readonly client: HttpClient
  readonly listener: Listener
  /** The log lines so far. */
  readonly log: Record<string, unknown>[]
}

export async function listen(
  routes: readonly RouteDefinition[],
  options: Partial<ApplicationOptions> & ListenerOptions = {},
): Promise<TestListener> {
  const log: Record<string, unknown>[] = []
  const logger = pino(
    { level: 'debug' },
    { write: (line) => void log.push(JSON.parse(line) as Record<string, unknown>) },
  )
  const application = createApplication(
    routes,
    fakeServices(),
    { allowedOrigins: [], trustedProxies: 0, strictTransportSecurity: false, ...options },
    logger,
  )
  const listener = new Listener(application as RequestListener, createIdSource({ now: () => Date.now() }), options)
  const { port } = await listener.listen(0, '127.0.0.1')
  const client = new HttpClient(`http://127.0.0.1:${port}`, { connections: 1 })
  return {
    port,
    client,
    listener,
    log,
    [Symbol.asyncDispose]: async () => {
      client[Symbol.dispose]()
      await listener.close(1_000)
    },
  }
}
