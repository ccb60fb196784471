export type { RedisLike } from './redis/client.ts'
export { RedisRateLimitStore } from './redis/redis-rate-limit-store.ts'
export type { RedisStoreOptions } from './redis/redis-rate-limit-store.ts'
