import { existsSync } from 'node:fs'
import path from 'node:path'
import { EXIT_CODES, loadConfig, loadSecrets } from '@iron/control-api/development'
import { type IronDatabase, openDatabase, validateSchema } from '@iron/database'
import { localFile } from '../database-file.ts'
import { type Finding, printValidations, type Validation } from '../finding.ts'
import { ROOT } from '../root.ts'
import { validatePaths } from '../validate-paths.ts'
import { validateSeed } from '../validate-seed.ts'

/** Options of the validators. */
export interface ValidateOptions {
  readonly json?: boolean | undefined
  /** `validate:paths`: what git has staged instead of everything it tracks. */
  readonly staged?: boolean | undefined
}

const VALIDATORS = {
  'validate:paths': ({ staged = false }: ValidateOptions) => validatePaths(ROOT, { staged }),
  'validate:schema': () => onDatabase((database) => validateSchema(database)),
  'validate:seed': () =>
    onDatabase((database) => {
      const config = loadConfig()
      return validateSeed(database, { config, secrets: loadSecrets(config) })
    }),
} as const

export type ValidatorName = keyof typeof VALIDATORS

/** Runs validators, all of them whatever the earlier ones found, and prints what they say. Exit code 1 for any finding. */
export async function validate(names: readonly ValidatorName[], options: ValidateOptions): Promise<void> {
  const validations: Validation[] = []
  for (const validator of names) validations.push({ validator, findings: await VALIDATORS[validator](options) })
  process.stdout.write(printValidations(validations, options.json === true))
  if (validations.some(({ findings }) => findings.length > 0)) process.exitCode = EXIT_CODES.findings
}

/** What cannot be examined at all is a finding as well. */
async function onDatabase(work: (database: IronDatabase) => Promise<readonly Finding[]>): Promise<readonly Finding[]> {
  const file = localFile(loadConfig())
  const where = path.relative(process.cwd(), file)
  if (!existsSync(file)) return [{ rule: 'database', where, text: 'is not there: `pnpm db:reset-seed` makes it' }]
  try {
    await using database = await openDatabase(file, { migrations: 'unchecked' })
    return await work(database)
  } catch (error) {
    return [{ rule: 'database', where, text: error instanceof Error ? error.message : String(error) }]
  }
}
