import definePackage from '@iron/tsup-config'

export default definePackage({
  entry: ['src/index.ts', 'src/testing.ts', 'src/kysely.ts', 'src/sqlite/reader-worker.ts'],
  // Kysely's 255 files take 250 ms to load one by one, 30 ms in one; its declarations are still those of the dependency.
  noExternal: ['@iron/migrations', '@iron/test-kit', 'kysely'],
  // The declarations of the test helpers name types of the test-kit, which is not published.
  dts: {
    resolve: ['@iron/test-kit', /^\.\.?\//],
    // As if it were the package's own: what is found as a dependency gets a program of its own for every file, 7 s of 16.
    compilerOptions: { paths: { '@iron/test-kit': ['../../tooling/test-kit/src/index.ts'] } },
  },
})
