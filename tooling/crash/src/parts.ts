import { tryDisk } from './disk/disk.ts'
import { checkHistory } from './history/run.ts'
import { crashPoints } from './points/points.ts'
import { cutPower } from './power/power.ts'
import type { Setting } from './setting.ts'

/** By the name under which `pnpm crash` runs them. */
export const PARTS: Readonly<Record<string, (setting: Setting) => Promise<void>>> = {
  history: async (setting) => {
    for (const engine of setting.engines) await checkHistory(engine, setting)
  },
  points: async (setting) => {
    for (const engine of setting.engines) await crashPoints(engine, setting)
  },
  disk: (setting) => tryDisk(setting),
  power: cutPower,
}
