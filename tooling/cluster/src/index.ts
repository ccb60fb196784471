export { type Cluster, type ClusterOptions, startCluster } from './cluster.ts'
export { ADMIN } from './installation.ts'
export { type Program, type Server } from './server.ts'
