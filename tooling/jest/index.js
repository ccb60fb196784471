import { fileURLToPath } from 'node:url'

const here = (file) => fileURLToPath(new URL(file, import.meta.url))

/**
 * Jest over the TypeScript sources as Node runs them: the condition `@iron/source` (in `iron-jest.js`) resolves every package of
 * the house to its `src`, so that a test never runs against a stale build.
 * @type {import('jest').Config}
 */
export default {
  testEnvironment: here('native-environment.js'),
  runtime: here('native-runtime.js'),
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  transform: {},
  injectGlobals: false,
  testTimeout: 30_000,
}
