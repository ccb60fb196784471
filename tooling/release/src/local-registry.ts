/**
 * A package registry of our own on a free local port, empty and gone afterwards: verdaccio. Packages that are not ours come from
 * the registry npm is configured with; ours are never asked for there, so what a rehearsal installs is what it published.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { dependencyProgram } from '@iron/checks/dependency'
import { runProgram } from '@iron/checks/run-program'
import { freePort, startProcess } from '@iron/test-kit'

const OWN_MODULES = new URL('../node_modules', import.meta.url)
const READY_WITHIN_MS = 30_000

export interface LocalRegistry extends AsyncDisposable {
  readonly url: string
  /** A configuration for npm, as a file, with which it publishes to and installs from this registry. */
  readonly npmConfig: string
}

export async function startLocalRegistry(folder: string): Promise<LocalRegistry> {
  mkdirSync(folder, { recursive: true })
  const upstream = (await runProgram('npm', ['config', 'get', 'registry'], { cwd: folder })).stdout.trim()
  const listen = `127.0.0.1:${await freePort()}`
  const url = `http://${listen}/`
  const config = path.join(folder, 'verdaccio.json')
  writeFileSync(
    config,
    JSON.stringify({
      storage: path.join(folder, 'storage'),
      listen,
      web: { enable: false },
      auth: { htpasswd: { file: path.join(folder, 'htpasswd') } },
      uplinks: { upstream: { url: upstream } },
      packages: {
        '@iron/*': { access: '$all', publish: '$anonymous' },
        '**': { access: '$all', proxy: 'upstream' },
      },
      log: { type: 'stdout', format: 'json', level: 'info' },
    }),
  )
  // npm publishes only with a token, this registry asks for none.
  const npmConfig = path.join(folder, 'npmrc')
  writeFileSync(
    npmConfig,
    `registry=${url}\n//${listen}/:_authToken=none\nfund=false\naudit=false\nupdate-notifier=false\n`,
  )
  const verdaccio = dependencyProgram('verdaccio', 'verdaccio', OWN_MODULES)
  const server = await startProcess(process.execPath, [verdaccio, '--config', config], {
    cwd: folder,
    env: { NODE_OPTIONS: undefined },
    ready: /http address/,
    timeoutMs: READY_WITHIN_MS,
  })
  const stop = async (): Promise<void> => {
    await server.stop()
  }
  return { url, npmConfig, [Symbol.asyncDispose]: stop }
}
