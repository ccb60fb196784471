export { type Cluster, type ClusterOptions, startCluster } from './cluster.ts'
export { ADMIN, installationSettings, RATE_LIMITS_OFF } from './installation.ts'
export { residentMiB } from './process-usage.ts'
export { type Program, runIron, type Server, startServer } from './server.ts'
