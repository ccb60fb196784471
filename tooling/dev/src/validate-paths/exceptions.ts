/** A text that names another database or path for a reason. */
interface Exception {
  readonly file: string
  /** How what is named begins. */
  readonly what: string
  /** For the reader of this list. */
  readonly why: string
}

export const EXCEPTIONS: readonly Exception[] = [
  { file: 'apps/control-api/src/commands/demo.ts', what: 'demo.db', why: 'in a folder that is gone afterwards' },
  { file: 'packages/database/src/test-places.ts', what: 'test.db', why: "createTestDb({ storage: 'file' }) itself" },
  { file: 'packages/database/README.md', what: 'sqlite:///', why: 'tells which forms of a URL are read' },
  { file: 'packages/database/src/source.ts', what: 'sqlite:///', why: 'tells which forms of a URL are read' },
  {
    file: 'apps/control-api/README.md',
    what: 'sqlite:./restored.db',
    why: 'a backup that is looked at before it is used',
  },
  { file: 'packages/database/test/source.test.ts', what: '', why: 'reads URLs, opens nothing' },
  {
    file: 'apps/control-api/test/config/load-config.test.ts',
    what: 'sqlite:./iron.db',
    why: 'the default, not opened',
  },
  { file: 'apps/control-api/test/config/secrets-place.test.ts', what: '', why: 'reads URLs, opens nothing' },
  { file: 'packages/analytics/test/limits.test.ts', what: './never-opened.db', why: 'not opened' },
  { file: 'tooling/checks/src/environment.ts', what: 'sqlite:./one.db', why: 'a value that is handed on, not opened' },
  { file: 'tooling/dev/src/validate-paths.ts', what: 'sqlite:./iron.db', why: 'the path itself' },
  { file: 'tooling/dev/src/validate-paths.ts', what: './iron.db', why: 'the path itself' },
  { file: 'tooling/dev/src/validate-paths.ts', what: 'file:./iron.db', why: 'the path itself' },
  { file: 'tooling/fuzz/src/parsers/parsers.ts', what: '', why: 'reads URLs, opens nothing' },
  { file: 'tooling/dev/src/validate-paths/exceptions.ts', what: '', why: 'this list' },
  { file: 'tooling/dev/test/validate-paths.test.ts', what: '', why: 'plants such texts' },
]
