import type { WriteTx } from '@iron/database'

/**
 * Ends every API token of an owner in the caller's transaction, secrets in their grace window included.
 *
 * @returns the ids of those that were in force or expired, in order
 */
export async function revokeOwnerTokens(
  tx: WriteTx,
  ownerId: string,
  revoked: { readonly at: number; readonly by: string },
): Promise<readonly string[]> {
  const rows = await tx.sql
    .updateTable('api_tokens')
    .set({ revoked_at: revoked.at, revoked_by: revoked.by })
    .where('owner_id', '=', ownerId)
    .where('revoked_at', 'is', null)
    .returning('id')
    .execute()
  return rows.map(({ id }) => id).sort()
}
