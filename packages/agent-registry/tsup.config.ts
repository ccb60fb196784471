import definePackage from '@iron/tsup-config'

export default definePackage({ entry: ['src/index.ts', 'src/express.ts'] })
