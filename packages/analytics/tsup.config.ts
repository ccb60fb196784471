import definePackage from '@iron/tsup-config'

export default definePackage()
