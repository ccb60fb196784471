import type { WriteTx } from '@iron/database'
import { TokenManagerError } from '../errors.ts'

/** Names the user who has a user name or an e-mail already; `undefined` when nobody else has. */
export async function duplicateUser(
  tx: WriteTx,
  wanted: { readonly id: string; readonly usernameKey: string; readonly email: string | null },
): Promise<TokenManagerError | undefined> {
  const others = tx.sql.selectFrom('users').select('id').where('deleted_at', 'is', null).where('id', '<>', wanted.id)
  const sameName = await others.where('username_key', '=', wanted.usernameKey).executeTakeFirst()
  if (sameName !== undefined) {
    const details = { existing_id: sameName.id }
    return new TokenManagerError('DUPLICATE_USERNAME', 'this user name is taken', { details })
  }
  const sameEmail = await others.where('email', '=', wanted.email).executeTakeFirst()
  if (sameEmail === undefined) return undefined
  const details = { existing_id: sameEmail.id }
  return new TokenManagerError('DUPLICATE_EMAIL', 'this e-mail is taken', { details })
}
