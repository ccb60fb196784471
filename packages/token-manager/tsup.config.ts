import definePackage from '@iron/tsup-config'

export default definePackage({
  entry: ['src/index.ts', 'src/express.ts', 'src/testing.ts', 'src/passwords/hash-worker.ts'],
})
