/** What kind of text a file holds; each kind may say other things about databases. */
export type Category = 'source' | 'test' | 'document' | 'configuration'

const KINDS: readonly (readonly [RegExp, Category | undefined])[] = [
  // Not ours to write.
  [/(^|\/)(pnpm-lock\.yaml|LICENSE)$/, undefined],
  [/(^|\/)(test|tests)\//, 'test'],
  // Programs that work in private folders, like tests.
  [/^(tooling|apps\/examples)\/.*\.(ts|mjs|js|py)$/, 'test'],
  [/\.(md|txt)$/, 'document'],
  [/\.(ts|mts|cts|js|mjs|cjs|tsx|py|sql)$/, 'source'],
  [/\.(json|ya?ml|toml|sh|env|service|conf)$|(^|\/)(Dockerfile|\.\w+)$|^\.ci\/|^tooling\/hooks\//, 'configuration'],
]

/** Undefined for what is not looked into. */
export function categoryOf(file: string): Category | undefined {
  return KINDS.find(([pattern]) => pattern.test(file))?.[1]
}
