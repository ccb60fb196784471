import definePackage from '@iron/tsup-config'

export default definePackage({
  entry: ['src/index.ts', 'src/main.ts', 'src/development.ts', 'src/commands/verify/ledger-thread.ts'],
})
