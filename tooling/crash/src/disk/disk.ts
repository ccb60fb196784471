/** `pnpm crash disk`: what a server on SQLite does when its disk fails it. */
import type { Setting } from '../setting.ts'
import { DISK_SCENARIOS } from './scenarios.ts'

/** @param names of the scenarios @throws TypeError when there is none of a name */
export async function tryDisk(setting: Setting, names: readonly string[] = Object.keys(DISK_SCENARIOS)): Promise<void> {
  for (const name of names) {
    const scenario = DISK_SCENARIOS[name]
    if (scenario === undefined) throw new TypeError(`no disk scenario is called '${name}'`)
    setting.say(`${name}: ${await scenario(setting)}`)
  }
}
