import { open, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { DatabaseError } from '../errors.ts'
import { makeFolder } from '../source.ts'

/**
 * Has `write` make a database under another name, forces it to disk and gives it its name: a file that is there is complete.
 *
 * @throws {DatabaseError} COPY_REFUSED when there is such a file
 */
export async function writeNewFile(file: string, write: (draft: string) => Promise<unknown>): Promise<void> {
  if (await exists(file)) {
    throw new DatabaseError('COPY_REFUSED', `${file} exists already`, { details: { reason: 'exists', file } })
  }
  makeFolder(file)
  const draft = `${file}.${String(process.pid)}.partial`
  try {
    await write(draft)
    await force(draft)
    await rename(draft, file)
    await force(path.dirname(file))
  } catch (error) {
    for (const suffix of ['', '-wal', '-shm', '-journal']) await rm(`${draft}${suffix}`, { force: true })
    throw error
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file)
    return true
  } catch {
    return false
  }
}

/** Waits until a file, or the names in a folder, are on disk. */
async function force(place: string): Promise<void> {
  const handle = await open(place, 'r')
  try {
    await handle.sync()
  } catch (error) {
    // Windows does not sync folders, and needs not.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM' && (error as NodeJS.ErrnoException).code !== 'EISDIR')
      throw error
  } finally {
    await handle.close()
  }
}
