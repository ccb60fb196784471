import { expect, test } from '@jest/globals'
import { startCollector } from '../support/collector.ts'
import { HttpClient } from '../support/http-client.ts'
import { createInstallation, startServer } from '../support/server-process.ts'

/** Says on stderr which module of OpenTelemetry is loaded; prom-client needs its interface whether there are traces or not. */
const TELL_MODULES = `--import=data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module'
  const resolve = (name, context, next) => {
    if (/^@opentelemetry.(?!api)/.test(name)) process.stderr.write('loads ' + name + '\\n')
    return next(name, context)
  }
  registerHooks({ resolve })
`)}`

test.each([false, true])(
  'traces are on: %s; off, nothing of OpenTelemetry is loaded; on, SIGTERM sends what is left',
  async (isOn) => {
    await using collector = await startCollector()
    const more: Record<string, string> = isOn
      ? { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, OTEL_SERVICE_NAME: 'iron-eu' }
      : {}
    await using installation = await createInstallation('sqlite', more)
    const server = await startServer(installation, { node: [TELL_MODULES] })
    using client = new HttpClient(server.address)
    expect((await client.get('/health')).status).toBe(200)
    expect(await server.process.stop()).toEqual({ code: 0, signal: null })
    expect(server.process.stderr.includes('loads @opentelemetry/')).toBe(isOn)
    expect(collector.spans().map(({ name }) => name)).toEqual(isOn ? ['GET /api/v1/health'] : [])
    if (isOn) expect(collector.resource()['service.name']).toBe('iron-eu')
  },
)
