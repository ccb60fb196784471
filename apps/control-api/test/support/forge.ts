/** Tokens that somebody made up, and honest ones that are past their time. */
import { createHmac } from 'node:crypto'
import { crc32 } from 'node:zlib'

type Claims = Readonly<Record<string, unknown>>

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A JWT with whatever header and claims, signed as its `alg` says, with any secret. */
export function forgeJwt(header: Claims, claims: Claims, secret: string): string {
  const input = `${part(header)}.${part(claims)}`
  const algorithms: Readonly<Record<string, string>> = { HS256: 'sha256', HS384: 'sha384', HS512: 'sha512' }
  const algorithm = algorithms[String(header['alg'])]
  const key = Buffer.from(secret, 'base64')
  const signature = algorithm === undefined ? '' : createHmac(algorithm, key).update(input).digest('base64url')
  return `${input}.${signature}`
}

/** The claims of a JWT, unverified. */
export function claimsOf(jwt: string): Claims {
  return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString('utf8')) as Claims
}

/** A JWT with one character of its signature changed. */
export function bent(jwt: string): string {
  const place = jwt.length - 10
  return `${jwt.slice(0, place)}${jwt[place] === 'A' ? 'B' : 'A'}${jwt.slice(place + 1)}`
}

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** An API token of the right form and checksum that was never issued. */
export function unissuedApiToken(): string {
  const body = `at_${Buffer.alloc(32, 7).toString('base64url')}`
  let rest = crc32(body)
  let digits = ''
  for (let index = 0; index < 6; index += 1) {
    digits = `${BASE62[rest % 62] ?? ''}${digits}`
    rest = Math.floor(rest / 62)
  }
  return `${body}${digits}`
}
