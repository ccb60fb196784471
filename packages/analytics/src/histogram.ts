/** Latencies by bucket, added up over many hours and read as percentiles that are exact within 5 percent (http-api 5.3). */
import { latencyBucket, latencyBucketMs } from '@iron/journal'
import { readCounts } from './count-texts.ts'

/** Buckets there are: the last one holds the longest latency that a call can have. */
const BUCKETS = latencyBucket(Number.MAX_SAFE_INTEGER) + 1

/** How many calls took how long. */
export class Histogram {
  readonly #counts = new Array<number>(BUCKETS).fill(0)

  /** Adds calls of one latency in milliseconds. */
  add(latencyMs: number, calls: number): void {
    this.#addTo(latencyBucket(latencyMs), calls)
  }

  /** Adds histograms as roll-ups keep them, one text behind the other. */
  addTexts(texts: string): Promise<void> {
    return readCounts(texts, (bucket, calls) => this.#addTo(bucket, calls))
  }

  /**
   * The latency that `percent` of the calls did not exceed, by nearest rank, in milliseconds; null without calls. It is the
   * middle of the whole milliseconds of its bucket; less than one counts as one.
   */
  percentile(percent: number): number | null {
    const calls = this.#counts.reduce((sum, count) => sum + count, 0)
    if (calls === 0) return null
    const rank = Math.ceil((calls * percent) / 100)
    let passed = 0
    const bucket = this.#counts.findIndex((count) => (passed += count) >= rank)
    const first = Math.ceil(latencyBucketMs(bucket))
    const last = Math.ceil(latencyBucketMs(bucket + 1)) - 1
    return Math.floor((first + last) / 2)
  }

  #addTo(bucket: number, calls: number): void {
    const count = this.#counts[bucket]
    if (count === undefined) throw new Error(`a roll-up holds a latency bucket ${bucket}`)
    this.#counts[bucket] = count + calls
  }
}
