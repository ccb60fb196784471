import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { postgresForTests, startProcess } from '@iron/test-kit'
import pg from 'pg'
import { HttpClient } from '../support/http-client.ts'
import { createAgent, createInstallation, expectStatus, mainProgram, startServer } from '../support/server-process.ts'

const docs = fileURLToPath(new URL('../../docs', import.meta.url))
const service = await postgresForTests()
const maybe = service === undefined ? test.skip : test

maybe(
  'the documented roles: the owner migrates, the servers serve and can change neither schema nor logs (R10)',
  async () => {
    const suffix = randomBytes(4).toString('hex')
    const [owner, server, database] = [`iron_owner_${suffix}`, `iron_service_${suffix}`, `iron_roles_${suffix}`]
    const documented = (file: string): string =>
      readFileSync(path.join(docs, file), 'utf8')
        .replaceAll('iron_owner', owner)
        .replaceAll('iron_service', server)
        .replaceAll(/change me: \w+/g, suffix)
    const urlOf = (role: string): string => {
      const url = new URL(service!.url)
      Object.assign(url, { pathname: `/${database}`, username: role, password: suffix })
      return url.href
    }
    const run = async (url: string, sql: string): Promise<void> => {
      const client = new pg.Client({ connectionString: url })
      await client.connect()
      try {
        await client.query(sql)
      } finally {
        await client.end()
      }
    }
    await run(service!.url, `CREATE DATABASE ${database}`)
    const admin = new URL(service!.url)
    admin.pathname = `/${database}`
    try {
      await run(admin.href, documented('postgres-roles.sql'))
      await using installation = await createInstallation('sqlite', {
        DATABASE_URL: urlOf(server),
        IRON_MIGRATE_DATABASE_URL: urlOf(owner),
        IRON_AUTO_MIGRATE: 'false',
      })
      const migrating = await startProcess(
        process.execPath,
        ['--conditions=@iron/source', mainProgram, 'migrate', 'up'],
        { env: { ...installation.env, NODE_OPTIONS: undefined } },
      )
      expect([await migrating.exited, migrating.stderr]).toEqual([{ code: 0, signal: null }, ''])
      await run(urlOf(owner), documented('postgres-roles-after-migrate.sql'))

      await using started = await startServer(installation)
      using client = new HttpClient(started.address)
      const { agentId, admin: session, runtime } = await createAgent(client, { allocatedUsd: 10 })
      const lease = expectStatus(await client.post('/budget/handshake', { requested_usd: 5 }, runtime), 200)
      const report = { lease_id: lease.body.lease_id, request_id: 'call-1', model: 'gpt-4o', cost_usd: 1 }
      expectStatus(await client.post('/budget/report', report, runtime), 200)
      expectStatus(await client.post('/budget/return', { lease_id: lease.body.lease_id }, runtime), 200)
      const verified = expectStatus(await client.get(`/agents/${agentId}/budget/verify`, session), 200)
      expect(verified.body).toMatchObject({ consistent: true })

      for (const forbidden of [
        'DELETE FROM audit_log',
        "UPDATE audit_log SET reason = 'x'",
        'DELETE FROM ledger_entries',
        'UPDATE ledger_entries SET amount_micros = 1',
        'DELETE FROM request_keys',
        "UPDATE events SET data = '{}'",
        'TRUNCATE audit_log',
        'DELETE FROM schema_migrations',
        'CREATE TABLE mine (id int)',
        'ALTER TABLE audit_log DISABLE TRIGGER ALL',
        'DROP TRIGGER audit_log_no_update ON audit_log',
      ]) {
        await expect(run(urlOf(server), forbidden)).rejects.toMatchObject({ code: '42501' })
      }
    } finally {
      await run(service!.url, `DROP DATABASE IF EXISTS ${database} WITH (FORCE)`)
      await run(service!.url, `DROP ROLE IF EXISTS ${owner}; DROP ROLE IF EXISTS ${server}`)
    }
  },
  120_000,
)
