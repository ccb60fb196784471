import { steps } from '@iron/migrations'

/** One step of the schema's history, as this version ships it. */
export interface Migration {
  /** 1, 2, 3… without gaps. */
  readonly number: number
  readonly name: string
  /** SHA-256 of the step's source: a recorded one that differs is refused. */
  readonly checksum: string
}

/** The whole history of the schema, oldest first. */
export const migrations: readonly Migration[] = steps.map(({ number, name, checksum }) =>
  Object.freeze({ number, name, checksum }),
)
