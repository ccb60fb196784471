import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from '@jest/globals'
import { freePort, startProcess } from '../src/index.ts'

const node = process.execPath

/** A signal 0 asks only whether the process is there. */
function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Looks until it holds; the caller's test timeout is the limit. */
async function eventually(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10))
}

describe('startProcess', () => {
  test('waits for the line and hands over what it matched', async () => {
    await using server = await startProcess(
      node,
      ['-e', 'console.error("log"); console.log("listening on :" + process.env.P); setInterval(() => {}, 1000)'],
      { ready: /listening on :(\d+)/, env: { P: '4711' } },
    )
    expect(server.ready[1]).toBe('4711')
    expect(server.stdout).toBe('listening on :4711\n')
    await server.waitFor(/log/, { stream: 'stderr' })
    expect(alive(server.pid)).toBe(true)
    expect(server.kill('SIGKILL')).toBe(true)
    expect(await server.exited).toEqual({ code: null, signal: 'SIGKILL' })
  })

  test('a program that ends before it is ready is an error that shows its output', async () => {
    await expect(
      startProcess(node, ['-e', 'console.error("cannot bind"); process.exit(3)'], { ready: /listening/ }),
    ).rejects.toThrow(/it ended before stdout matched[^]*cannot bind/)
  })

  test('a silent program is killed after the timeout', async () => {
    const starting = startProcess(node, ['-e', 'setInterval(() => {}, 1000)'], { ready: /listening/, timeoutMs: 200 })
    await expect(starting).rejects.toThrow('silent for 200 ms')
  })

  test('a program that does not exist is an error', async () => {
    await expect(startProcess('/no/such/program')).rejects.toThrow('ENOENT')
  })

  test('the end of the scope stops it, with SIGKILL when it does not listen', async () => {
    const stubborn = await startProcess(
      node,
      ['-e', 'process.on("SIGTERM", () => {}); console.log("up"); setInterval(() => {}, 1000)'],
      { ready: /up/ },
    )
    expect(await stubborn.stop('SIGTERM', 100)).toEqual({ code: null, signal: 'SIGKILL' })
    expect(alive(stubborn.pid)).toBe(false)
  })

  test('undefined takes a variable out of the environment', async () => {
    const shown = await startProcess(node, ['-e', 'console.log(String(process.env.PATH))'], {
      env: { PATH: undefined },
    })
    await shown.exited
    expect(shown.stdout).toBe('undefined\n')
  })

  test('a test process killed with SIGKILL takes its programs and their folder with it', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'iron-owned-'))
    const source = fileURLToPath(new URL('../src/start-process.ts', import.meta.url))
    const program = `
      const { startProcess } = await import(${JSON.stringify(source)})
      const child = await startProcess(process.execPath, ['-e', 'console.log("up"); setInterval(() => {}, 1000)'], {
        ready: /up/, ownedFolder: ${JSON.stringify(folder)} })
      console.log('child=' + child.pid)
      setInterval(() => {}, 1000)`
    const parent = await startProcess(node, ['--input-type=module', '-e', program], { ready: /child=(\d+)/ })
    const childPid = Number(parent.ready[1])
    expect(alive(childPid)).toBe(true)
    parent.kill('SIGKILL')
    await parent.exited
    await eventually(() => !alive(childPid) && !existsSync(folder))
    rmSync(folder, { recursive: true, force: true })
  })
})

test('freePort gives a port that can be listened on', async () => {
  const port = await freePort()
  const server = createServer((socket) => socket.end('hello'))
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const answer = await new Promise<string>((resolve) => {
    connect(port, '127.0.0.1').on('data', (data) => resolve(data.toString()))
  })
  expect(answer).toBe('hello')
  server.close()
})
