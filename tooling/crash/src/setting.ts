import type { Program } from '@iron/cluster'
import type { Engine } from './engines.ts'

/** What every part is given. */
export interface Setting {
  readonly program: Program
  /** `short` is for every change, `full` for the figures. */
  readonly size: 'short' | 'full'
  readonly engines: readonly Engine[]
  readonly say: (text: string) => void
}
