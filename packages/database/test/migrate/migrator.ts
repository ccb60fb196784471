/** A process that migrates a database and says which steps it ran: started several times at once by concurrent.test.ts. */
import type { Engine } from '@iron/test-kit'
import { applyMigrations } from '../../src/migrate/apply.ts'
import { openEmpty } from './open-empty.ts'
import { addColumn, shipped } from './steps.ts'

const [dialect, place] = process.argv.slice(2) as [Engine, string]
await using database = await openEmpty(dialect, dialect === 'sqlite' ? { file: place } : { schema: place })
const { applied } = await applyMigrations(database.host, {
  mode: 'apply',
  appVersion: '0.0.0',
  steps: [...shipped, addColumn],
})
process.stdout.write(JSON.stringify(applied))
