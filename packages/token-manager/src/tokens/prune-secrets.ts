import type { WriteTx } from '@iron/database'

/** Deletes replaced secrets whose grace ended before an instant; how many. Presented again they are unknown. */
export async function pruneSecrets(tx: WriteTx, olderThan: number, limit: number): Promise<number> {
  const result = await tx.sql
    .deleteFrom('api_token_secrets')
    .where('token_hash', 'in', (eb) =>
      eb.selectFrom('api_token_secrets').select('token_hash').where('valid_until', '<', olderThan).limit(limit),
    )
    .executeTakeFirst()
  return Number(result.numDeletedRows)
}
