const PART = /^[A-Za-z0-9_-]+$/

/** The claims of something that has the form of a JWT, unverified: only to tell kinds of credentials apart. */
export function decodeJwt(token: string): Readonly<Record<string, unknown>> | undefined {
  const parts = token.split('.')
  const payload = parts[1]
  if (parts.length !== 3 || payload === undefined || !parts.every((part) => PART.test(part))) return undefined
  try {
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as unknown
    return typeof claims === 'object' && claims !== null ? (claims as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
