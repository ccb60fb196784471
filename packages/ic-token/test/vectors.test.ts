import { describe, expect, test } from '@jest/globals'
import { makeManager, verdict } from './setup.ts'

/** RFC 7515 A.1.1: the key (JWK member `k`) and the complete JWS of A.1.1, which RFC 7519 3.1 shows as its example JWT. */
const rfcKey = Buffer.from(
  'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow',
  'base64url',
)
const rfcHeader = 'eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9'
const rfcPayload = 'eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ'
const rfcSignature = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'

describe('RFC 7515 A.1 / RFC 7519 3.1', () => {
  const { tokens } = makeManager({ keys: [{ kid: 'rfc', secret: rfcKey }] })

  test("the example's signature is accepted, its issuer is not ours", () => {
    expect(verdict(tokens, `${rfcHeader}.${rfcPayload}.${rfcSignature}`)).toBe('BAD_ISSUER')
  })

  test('the same token with one bit of its signature changed is refused for that', () => {
    expect(verdict(tokens, `${rfcHeader}.${rfcPayload}.${rfcSignature.replace('d', 'e')}`)).toBe('BAD_SIGNATURE')
  })

  test('another key refuses it', () => {
    expect(verdict(makeManager().tokens, `${rfcHeader}.${rfcPayload}.${rfcSignature}`)).toBe('BAD_SIGNATURE')
  })
})

describe('AUT-02 unsigned and asymmetric examples', () => {
  const { tokens } = makeManager({ keys: [{ kid: 'rfc', secret: rfcKey }] })
  test.each([
    ['RFC 7519 6.1 / RFC 7515 A.5, alg none', `eyJhbGciOiJub25lIn0.${rfcPayload}.`],
    [
      'RFC 7515 A.2, RS256',
      `eyJhbGciOiJSUzI1NiJ9.${rfcPayload}.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw`,
    ],
    [
      'RFC 7515 A.3, ES256',
      `eyJhbGciOiJFUzI1NiJ9.${rfcPayload}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q`,
    ],
  ])('%s', (_name, token) => {
    expect(verdict(tokens, token)).toBe('BAD_ALGORITHM')
  })
})
