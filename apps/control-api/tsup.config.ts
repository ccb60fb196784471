import definePackage from '@iron/tsup-config'

export default definePackage({
  entry: ['src/index.ts', 'src/main.ts', 'src/development.ts', 'src/commands/verify/ledger-thread.ts'],
  // Its 373 files take 160 ms to load one by one, 15 ms in one.
  noExternal: ['typebox'],
})
