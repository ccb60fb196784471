import { copyFile, mkdir, readdir } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { agentEnvironment, END_OF_BUDGET, playEndOfBudget, playOutage, type Stage } from '@iron/stage'
import { startProcess } from '@iron/test-kit'

const cwd = fileURLToPath(new URL('../..', import.meta.url))
const program = ['--conditions=@iron/source', 'src/main.ts']

test('the agent works through an outage, and every call is booked once, also when it is told twice', async () => {
  const waiting = (stage: Stage): string => path.join(stage.folder, 'journal')
  const kept = (stage: Stage): string => path.join(stage.folder, 'kept')
  const reports = async (folder: string): Promise<string[]> =>
    (await readdir(folder)).filter((file) => file.endsWith('.json'))
  let keptCount = 0

  const outcome = await playOutage(process.execPath, program, {
    cwd,
    meanwhile: async (stage) => {
      await mkdir(kept(stage))
      for (const file of await reports(waiting(stage))) {
        await copyFile(path.join(waiting(stage), file), path.join(kept(stage), file))
        keptCount += 1
      }
    },
    afterwards: async (stage) => {
      // As if the acknowledgements had never arrived: the next run tells those calls again, on top of one of its own.
      for (const file of await reports(kept(stage))) {
        await copyFile(path.join(kept(stage), file), path.join(waiting(stage), file))
      }
      const env = { ...agentEnvironment(stage), CALLS: '1' }
      await using again = await startProcess(process.execPath, program, { cwd, env })
      expect(await again.exited).toEqual({ code: 0, signal: null })
      expect(await reports(waiting(stage))).toEqual([])
      const { spent_usd, reserved_usd } = await stage.balance()
      expect([spent_usd, reserved_usd]).toEqual([stage.llm.billed.costMicros / 1e6, 0])
      expect(stage.llm.billed.calls).toBe(15)
      expect(await playEndOfBudget(stage, process.execPath, program, cwd)).toEqual(END_OF_BUDGET)
    },
  })

  expect(outcome).toMatchObject({ code: 0, billed: { calls: 14 }, ledger: { reserved_usd: 0 } })
  expect(outcome.ledger.spent_usd).toBe(outcome.billed.usd)
  expect(outcome.output).toMatch(/^done {2}0 to report$/m)
  expect(keptCount).toBeGreaterThan(1)
}, 120_000)
