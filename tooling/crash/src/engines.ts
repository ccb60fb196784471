/** The engines that a run is about, each with where it makes its databases. */
import { postgresForTests } from '@iron/test-kit'

export type Engine = { readonly name: 'sqlite' } | { readonly name: 'postgres'; readonly url: string }

/** Those of the named ones that are here; says so when PostgreSQL is not. */
export async function presentEngines(names: readonly string[]): Promise<readonly Engine[]> {
  const engines: Engine[] = names.includes('sqlite') ? [{ name: 'sqlite' }] : []
  const postgres = names.includes('postgres') ? await postgresForTests() : undefined
  return postgres === undefined ? engines : [...engines, { name: 'postgres', url: postgres.url }]
}
