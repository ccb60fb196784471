/** An answer of the API, parsed. */
export interface ApiAnswer {
  readonly status: number
  readonly body: Record<string, unknown>
}

/** The credential a call is sent with. */
export type Credential = { readonly session: string } | { readonly icToken: string }

/** Speaks to the API as any client does: over HTTP, with nothing but what the answers said before. */
export class ApiClient {
  readonly #base: string

  constructor(address: string) {
    this.#base = `${address}/api/v1`
  }

  get(path: string, credential?: Credential): Promise<ApiAnswer> {
    return this.#call('GET', path, undefined, credential)
  }

  post(path: string, body: unknown, credential?: Credential): Promise<ApiAnswer> {
    return this.#call('POST', path, body, credential)
  }

  async #call(method: string, path: string, body: unknown, credential: Credential | undefined): Promise<ApiAnswer> {
    const headers: Record<string, string> = { ...headersOf(credential) }
    if (body !== undefined) headers['Content-Type'] = 'application/json'
    // eslint-disable-next-line no-restricted-globals -- the demo is a client: it talks to the server it started
    const response = await fetch(`${this.#base}${path}`, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
    })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
}

function headersOf(credential: Credential | undefined): Record<string, string> {
  if (credential === undefined) return {}
  return 'session' in credential
    ? { Authorization: `Bearer ${credential.session}` }
    : { 'X-IC-Token': credential.icToken }
}
