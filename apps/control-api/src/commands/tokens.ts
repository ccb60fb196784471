import { printList } from './remote/print.ts'
import { ServerApi, type ServerOptions } from './remote/server-api.ts'
import { tableOf } from './remote/table.ts'

/** What is shown of an API token (http-api 4.3); its secret is not there. */
interface Token {
  readonly id: string
  readonly name: string
  readonly user_id: string
  readonly status: string
  readonly scopes: readonly string[] | null
  readonly last_used_at: string | null
  readonly expires_at: string | null
}

/** How `iron tokens list` is called. */
export interface ListTokensOptions extends ServerOptions {
  readonly name?: string | undefined
  readonly status?: string | undefined
  readonly limit: number
  readonly json?: boolean | undefined
}

/** `iron tokens list`: newest first. */
export async function listTokens({ name, status, limit, json, ...server }: ListTokensOptions): Promise<void> {
  const found = await new ServerApi(server).list<Token>('/tokens', limit, { name, status })
  printList(found, json, (tokens) =>
    tableOf(tokens, [
      { title: 'ID', of: ({ id }) => id },
      { title: 'NAME', of: (token) => token.name },
      { title: 'STATUS', of: (token) => token.status },
      { title: 'OWNER', of: (token) => token.user_id },
      { title: 'LAST USED', of: (token) => token.last_used_at },
      { title: 'EXPIRES', of: (token) => token.expires_at },
      { title: 'SCOPES', of: ({ scopes }) => scopes?.join(',') ?? "all of the owner's" },
    ]),
  )
}
