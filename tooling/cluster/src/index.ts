export { type Cluster, type ClusterOptions, startCluster } from './cluster.ts'
export { ADMIN, installationSettings, RATE_LIMITS_OFF } from './installation.ts'
export { type Program, type Server, startServer } from './server.ts'
