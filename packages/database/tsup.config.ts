import definePackage from '@iron/tsup-config'

export default definePackage({
  entry: ['src/index.ts', 'src/testing.ts', 'src/sqlite/reader-worker.ts'],
  noExternal: ['@iron/migrations', '@iron/test-kit'],
  // The declarations of the test helpers name types of the test-kit, which is not published.
  dts: { resolve: ['@iron/test-kit', /^\.\.?\//] },
})
