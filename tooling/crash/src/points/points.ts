/** `pnpm crash points`: kill -9 at every point of every operation. */
import { requireSound } from '@iron/cluster'
import type { Engine } from '../engines.ts'
import { createInstallation } from '../installation.ts'
import type { Setting } from '../setting.ts'
import { KillableServer } from './killable-server.ts'
import { type Operation, OPERATIONS } from './operations.ts'
import { killedAt, type Reference, undisturbed, type Verdict } from './trial.ts'

/** Servers that die side by side, each on a database of its own. */
const AT_ONCE = 2
/** What a short run tries of each operation: halfway, before the commit, after it. */
const COMMIT = /^(COMMIT|before sending COMMIT)$/

/** @param operations names of those to kill */
export async function crashPoints(
  engine: Engine,
  setting: Setting,
  operations: readonly string[] = Object.keys(OPERATIONS),
): Promise<void> {
  const { program, size, say } = setting
  await using stack = new AsyncDisposableStack()
  const names = [...operations]
  const work = async (): Promise<void> => {
    const installation = stack.use(await createInstallation(engine, program))
    const server = stack.use(await KillableServer.start(installation))
    for (let name = names.shift(); name !== undefined; name = names.shift()) {
      say(`${engine.name}, ${name}: ${await crashOperation(server, OPERATIONS[name] as Operation, size)}`)
      await requireSound(installation)
    }
  }
  await Promise.all(Array.from({ length: size === 'full' ? AT_ONCE : 1 }, work))
  say(`${engine.name}: iron verify finds nothing`)
}

async function crashOperation(server: KillableServer, operation: Operation, size: Setting['size']): Promise<string> {
  const reference = await undisturbed(server, operation)
  const verdicts: Verdict[] = []
  for (const crashAt of chosen(reference, size)) {
    const verdict = await killedAt(crashAt, server, operation, reference)
    if (verdict === undefined) break
    verdicts.push(verdict)
  }
  const present = verdicts.filter((verdict) => verdict.present).length
  const acknowledged = verdicts.filter((verdict) => verdict.acknowledged).length
  return (
    `${reference.points.length} points in ${reference.awaits} awaits, killed at ${verdicts.length}: nothing there at ` +
    `${verdicts.length - present}, all there at ${present}, of those ${acknowledged} acknowledged; every retry gave one effect`
  )
}

/** In full until the operation completes: a job of the server may have added a point or two to those counted. */
function* chosen({ points }: Reference, size: Setting['size']): Generator<number> {
  if (size === 'full') for (let point = 1; ; point += 1) yield point
  const commit = points.findLastIndex((point) => COMMIT.test(point)) + 1
  yield* [Math.ceil(commit / 2), commit, commit + 1]
}
