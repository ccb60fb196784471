import { prepare, type ReadTx } from '@iron/database'

const twoActiveAdmins = prepare<Record<string, never>, { id: string }>((db) =>
  db
    .selectFrom('users')
    .select('id')
    .where('role', '=', 'admin')
    .where('suspended_at', 'is', null)
    .where('deleted_at', 'is', null)
    .limit(2),
)

/** Whether this is an active admin and there is no other. */
export async function isOnlyActiveAdmin(tx: ReadTx, id: string): Promise<boolean> {
  const admins = await twoActiveAdmins.all(tx, {})
  return admins.length === 1 && admins[0]?.id === id
}
