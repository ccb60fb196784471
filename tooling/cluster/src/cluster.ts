/**
 * Several control-api processes on one database behind one balancer, none of them special: any may be stopped, killed or
 * started at any time.
 */
import { type Balancer, startBalancer } from './balancer.ts'
import { createDatabase, installationSettings, RATE_LIMITS_OFF } from './installation.ts'
import { type Program, type Server, startServer } from './server.ts'

export interface ClusterOptions {
  readonly processes: number
  /** Of a role that may create databases; the cluster makes one of its own there and drops it. */
  readonly postgresUrl: string
  readonly redisUrl?: string | undefined
  readonly program: Program
  /** Default `off`. */
  readonly rateLimits?: 'off' | 'default' | undefined
  /** Where the balancer listens. Default: a free port. */
  readonly port?: number | undefined
  /** Added to the settings of every process. */
  readonly env?: Readonly<Record<string, string>> | undefined
}

export interface Cluster extends AsyncDisposable {
  /** Of the balancer. */
  readonly address: string
  readonly port: number
  readonly databaseUrl: string
  readonly program: Program
  /** What every process was started with. */
  readonly env: Readonly<Record<string, string>>
  /** Those that were started and not taken out. */
  readonly servers: readonly Server[]
  /** Adds a process. */
  start(): Promise<Server>
  /** Ends a process with a signal and takes it out; resolves when it is gone. */
  end(server: Server, signal: NodeJS.Signals): Promise<void>
}

export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  await using stack = new AsyncDisposableStack()
  const database = stack.use(await createDatabase(options.postgresUrl))
  const env = installationSettings(database.url, {
    ...(options.rateLimits === 'default' ? {} : RATE_LIMITS_OFF),
    ...(options.redisUrl === undefined ? {} : { REDIS_URL: options.redisUrl }),
    ...options.env,
  })
  const servers = new Set<Server>()
  stack.defer(async () => {
    await Promise.all([...servers].map((server) => server[Symbol.asyncDispose]()))
  })
  const start = async (): Promise<Server> => {
    const server = await startServer(options.program, env)
    servers.add(server)
    return server
  }
  // The first makes the schema and the admin; the others find them.
  if (options.processes > 0) await start()
  await Promise.all(Array.from({ length: options.processes - 1 }, start))
  const balancer: Balancer = stack.use(await startBalancer(() => [...servers], options.port))
  const owned = stack.move()
  return {
    address: balancer.address,
    port: balancer.port,
    databaseUrl: database.url,
    program: options.program,
    env,
    get servers() {
      return [...servers]
    },
    start,
    end: async (server, signal) => {
      servers.delete(server)
      server.process.kill(signal)
      await server.process.exited
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
