import { type Copied, copyDatabase, DatabaseError, type IronDatabase } from '@iron/database'
import { RefusedError } from '../../command-line/exit-codes.ts'
import { Progress } from '../progress.ts'

/** Copies everything into an empty database and shows how far it is. @throws {RefusedError} when it is not empty */
export async function fill(source: IronDatabase, target: IronDatabase): Promise<Copied> {
  using progress = new Progress()
  try {
    return await copyDatabase(source, target, {
      onProgress: ({ phase, table, rows, rowsTotal }) => progress.at(`${phase} ${table}, rows`, rows, rowsTotal),
    })
  } catch (error) {
    if (error instanceof DatabaseError && error.code === 'COPY_REFUSED') throw new RefusedError(error.message)
    throw error
  }
}
