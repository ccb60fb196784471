// What suites import as '@jest/globals': evaluated anew for each, like the suite.
export const { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest, test } =
  globalThis[Symbol.for('iron.jest')]
