/** What may be known of an agent's IC token once it has been shown. Times are epoch ms. */
export interface IcTokenInfo {
  /** Also the `jti` claim. */
  readonly id: string
  readonly permissions: readonly string[]
  readonly createdAt: number
  readonly expiresAt: number | null
  readonly lastUsedAt: number | null
}

/** What an IC token may do, and until when. */
export interface IcTokenOptions {
  /** A non-empty subset of `llm:call` and `analytics:write`. Default both. */
  readonly permissions?: readonly string[] | undefined
  /** Epoch ms, in the future. Default: until regenerated, revoked, or the agent is archived. */
  readonly expiresAt?: number | undefined
}

/** A new IC token; `token` is shown here and never again. */
export interface IssuedIcToken extends IcTokenInfo {
  readonly token: string
  /** Whether a token that worked before stopped working. */
  readonly oldTokenInvalidated: boolean
}

/** A row of `ic_tokens` as selected. */
export interface IcTokenRow {
  readonly id: string
  readonly permissions: string
  readonly created_at: number
  readonly expires_at: number | null
  readonly last_used_at: number | null
}

/** What the row tells, without hash. */
export function icTokenInfoOf(row: IcTokenRow): IcTokenInfo {
  return Object.freeze({
    id: row.id,
    permissions: Object.freeze(JSON.parse(row.permissions) as string[]),
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
  })
}
