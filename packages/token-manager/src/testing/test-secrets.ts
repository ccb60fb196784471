/**
 * Secrets of test databases, known to everybody: what they sign and seal is worth nothing. They stand here and nowhere else, so
 * that no server can come to use them.
 */
export const TEST_SECRETS = Object.freeze({
  /** Signs sessions. */
  jwt: Object.freeze({ kid: 'test', secret: 'test signing secret of sessions, 32 bytes and more' }),
  /** Signs IC tokens. */
  icToken: Object.freeze({ kid: 'test', secret: 'test signing secret of agents, 32 bytes and more' }),
  /** Seals provider keys. */
  masterKey: Object.freeze({ id: 'dev1', key: Object.freeze(Array.from({ length: 32 }, (_, index) => index + 1)) }),
})
