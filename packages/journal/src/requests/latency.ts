/** How much wider each bucket is than the one before it: percentiles are exact within 5 percent (http-api 5.3). */
export const LATENCY_BUCKET_RATIO = 1.05

/** Latencies as counts by bucket k = 1.05ᵏ..1.05ᵏ⁺¹ milliseconds; bucket 0 also holds what took less than one. */
export type LatencyHistogram = Readonly<Record<string, number>>

/** The bucket of a latency in milliseconds: the greatest k with 1.05ᵏ ≤ it. */
export function latencyBucket(latencyMs: number): number {
  if (latencyMs <= 1) return 0
  let bucket = Math.floor(Math.log(latencyMs) / Math.log(LATENCY_BUCKET_RATIO))
  // Logarithms are rounded; the powers decide at the edge.
  while (LATENCY_BUCKET_RATIO ** (bucket + 1) <= latencyMs) bucket += 1
  while (LATENCY_BUCKET_RATIO ** bucket > latencyMs) bucket -= 1
  return bucket
}

/** The lower edge of a bucket, in milliseconds. */
export function latencyBucketMs(bucket: number): number {
  return LATENCY_BUCKET_RATIO ** bucket
}
