/** Housekeeping (data-model 3.8). */
import { count, hash, id, json, text, time } from './columns.ts'
import type { Table } from './create-table.ts'

export const databaseTables: readonly Table[] = [
  {
    name: 'schema_migrations',
    columns: {
      number: count(1),
      name: text(),
      checksum: hash(),
      schema_hash: hash(),
      app_version: text(),
      applied_at: time(),
    },
    primaryKey: ['number'],
    indexes: { name: { columns: ['name'], unique: true } },
  },
  {
    name: 'meta',
    columns: { key: text(1, 100), value: text() },
    primaryKey: ['key'],
  },
  {
    name: 'idempotency_keys',
    columns: {
      principal_id: id(),
      route: text(1, 200),
      key: text(1, 255),
      payload_hash: hash(),
      result: json(),
      created_at: time(),
    },
    primaryKey: ['principal_id', 'route', 'key'],
    indexes: { age: { columns: ['created_at'] } },
    clustered: true,
  },
]
