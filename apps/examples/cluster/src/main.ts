// Three server processes on one PostgreSQL and one Redis behind a balancer, until Ctrl-C. `--sources` runs them unbuilt.
import { parseArgs } from 'node:util'
import { ADMIN, startCluster } from '@iron/cluster'
import { postgresForTests, redisForTests } from '@iron/test-kit'

const PROCESSES = 3
const { values } = parseArgs({
  options: { port: { type: 'string', default: '3000' }, sources: { type: 'boolean', default: false } },
})

const [postgres, redis] = await Promise.all([postgresForTests(), redisForTests()])
if (postgres === undefined || redis === undefined) {
  throw new Error('this example needs PostgreSQL and Redis: running on their default ports, or installed')
}
const stopped = new Promise<void>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
})
{
  await using cluster = await startCluster({
    processes: PROCESSES,
    postgresUrl: postgres.url,
    redisUrl: redis.url,
    port: Number(values.port),
    program: values.sources ? 'sources' : 'built',
    rateLimits: 'default',
  })
  const processes = cluster.servers.map(({ address, process }) => `  ${address}  (process ${process.pid})`)
  process.stdout.write(`iron cluster listening on ${cluster.address}

${PROCESSES} processes, none of them special, behind that address:
${processes.join('\n')}

Try:
  API=${cluster.address}/api/v1
  curl -s $API/ready
  TOKEN=$(curl -s $API/auth/login -H 'Content-Type: application/json' \\
    -d '{"email":"${ADMIN.email}","password":"${ADMIN.password}"}' | node -pe 'JSON.parse(require("fs").readFileSync(0)).access_token')
  curl -s $API/auth/me -H "Authorization: Bearer $TOKEN"
  npx --yes wscat -c ${cluster.address.replace('http', 'ws')}/ws -H "Authorization: Bearer $TOKEN"
Then kill any of the processes (kill -9) and try again: nothing that was acknowledged is lost.

Ctrl-C stops everything and drops the database.
`)
  await stopped
  process.stdout.write('stopping\n')
}
// A claim on a PostgreSQL or Redis that was started for this ends with the process.
process.exit()
