import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { ROOT } from '../root.ts'
import { say } from '../say.ts'
import { seedReference } from '../seed-reference.ts'
import { TEST_ANCHOR_MS, tellTestStory } from '../test-story.ts'

/** Where the document is. */
export const REFERENCE = path.join(ROOT, 'tooling', 'seed-reference.md')

/** `seed:reference`: writes the document anew. */
export async function writeReference(): Promise<void> {
  const { services, close } = await tellTestStory(TEST_ANCHOR_MS)
  try {
    await writeFile(REFERENCE, await seedReference(services.database, TEST_ANCHOR_MS))
    say(`written   ${path.relative(process.cwd(), REFERENCE)}`)
  } finally {
    await close()
  }
}
