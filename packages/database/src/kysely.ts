/** Kysely's own, for parts of statements. An entry point of the build, which so keeps Kysely in a file that bundlers can leave out. */
export { expressionBuilder, sql } from 'kysely'
