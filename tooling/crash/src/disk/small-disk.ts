/** A file system that is soon full, and a user for whom something can be read-only. */
import { execFile } from 'node:child_process'
import { mkdtemp, open, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The user without rights, as Debian and most others number it. */
const NOBODY = { uid: 65_534, gid: 65_534 }

export interface SmallDisk extends AsyncDisposable {
  readonly folder: string
  /** Leaves no room. */
  fill(): Promise<void>
  /** Takes away what filled it. */
  free(): Promise<void>
}

/** In memory. @returns undefined where none may be mounted */
export async function smallDisk(mebibytes: number): Promise<SmallDisk | undefined> {
  const folder = await mkdtemp(path.join(tmpdir(), 'iron-disk-'))
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', folder])
  } catch {
    await rm(folder, { recursive: true })
    return undefined
  }
  const ballast = path.join(folder, 'ballast')
  return {
    folder,
    fill: async () => {
      const { bavail, bsize } = await statfs(folder)
      await using handle = await open(ballast, 'w')
      await handle.write(Buffer.alloc(bavail * bsize))
    },
    free: () => rm(ballast),
    [Symbol.asyncDispose]: async () => {
      await run('umount', ['-l', folder])
      await rm(folder, { recursive: true })
    },
  }
}

/** For whom root runs a server; undefined: whoever runs this is an ordinary user already. */
export async function nobody(): Promise<typeof NOBODY | undefined> {
  return process.getuid?.() === 0 ? NOBODY : undefined
}
