/** `pnpm crash disk`: what a server on SQLite does when its disk fails it. */
import type { Setting } from '../setting.ts'
import { DISK_SCENARIOS } from './scenarios.ts'

/** @param names of the scenarios */
export async function tryDisk(setting: Setting, names: readonly string[] = Object.keys(DISK_SCENARIOS)): Promise<void> {
  for (const name of names) setting.say(`${name}: ${await DISK_SCENARIOS[name]?.(setting)}`)
}
