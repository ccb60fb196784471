/** What every figure means, as plainly as it can be said: over an array of calls, with no roll-ups and no SQL. */
import type { Call } from '@iron/journal'
import { type Bucket, type Dimension, type Period, resolvePeriod, type Scope } from '../src/index.ts'
import { DAY, HOUR } from './world.ts'

/** Who owns what, as it is now. */
export interface People {
  readonly agents: ReadonlyMap<
    string,
    { readonly owner: string | null; readonly name: string | null; readonly allocated: number }
  >
  readonly tokens: ReadonlyMap<string, { readonly owner: string; readonly project: string | null }>
  readonly users: ReadonlyMap<string, string>
}

export interface Model extends People {
  readonly calls: readonly Call[]
  readonly now: number
}

const add = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0)
const subjectOf = (call: Call): string => (call.agentId ?? call.tokenId) as string
const halfUp = (part: number, whole: number): number => (whole === 0 ? 0 : Math.floor((2 * part + whole) / (2 * whole)))
const up = (part: number, whole: number): number => (whole === 0 ? 0 : Math.ceil(part / whole))

export function ownerOf(model: People, call: Call): string | null {
  const known = call.agentId === null ? model.tokens.get(subjectOf(call)) : model.agents.get(call.agentId)
  return known?.owner ?? null
}

/** The calls of a scope, whenever they were. */
export function inScope(model: Model, scope: Scope): Call[] {
  return model.calls.filter(
    (call) =>
      (scope.ownerId === undefined || ownerOf(model, call) === scope.ownerId) &&
      (scope.agentId === undefined || call.agentId === scope.agentId) &&
      (scope.tokenId === undefined || call.tokenId === scope.tokenId) &&
      (scope.projectId === undefined || model.tokens.get(subjectOf(call))?.project === scope.projectId) &&
      (scope.source === undefined || call.source === scope.source) &&
      (scope.provider === undefined || call.provider === scope.provider) &&
      (scope.model === undefined || call.model === scope.model) &&
      (scope.outcome === undefined || call.outcome === scope.outcome),
  )
}

/** The calls of a question. A period that ends now has the calls of this millisecond. */
export function select(model: Model, period: Period, scope: Scope): Call[] {
  const { from, to } = resolvePeriod(period, model.now, 0)
  const endsNow = to === model.now && typeof period === 'string'
  return inScope(model, scope).filter(
    ({ receivedAt }) => receivedAt >= from && (receivedAt < to || (endsNow && receivedAt === to)),
  )
}

export function knowsAgent(model: Model, { agentId, ownerId }: Scope): boolean {
  if (agentId === undefined) return true
  if (ownerId !== undefined) return model.agents.get(agentId)?.owner === ownerId
  return model.agents.has(agentId) || model.calls.some((call) => call.agentId === agentId)
}

export function usage(calls: readonly Call[]) {
  const failed = calls.filter((call) => call.outcome === 'failed').length
  const side = (call: Call, units: readonly ('input' | 'cacheRead' | 'output' | 'reasoning')[]): number =>
    add(units.map((unit) => call.usage?.[unit] ?? 0))
  return {
    requests: calls.length,
    completed: calls.length - failed,
    failed,
    inputTokens: add(calls.map((call) => side(call, ['input', 'cacheRead']))),
    outputTokens: add(calls.map((call) => side(call, ['output', 'reasoning']))),
    totalTokens: add(calls.map((call) => call.totalTokens)),
    cost: add(calls.map((call) => call.cost)),
  }
}

/** Everything of the totals but latency. */
export function totals(calls: readonly Call[]) {
  const { requests, completed, failed, inputTokens, outputTokens, totalTokens, cost } = usage(calls)
  const billed = add(calls.filter((call) => call.billed).map((call) => call.cost))
  return {
    spend: cost,
    billed,
    unbilled: cost - billed,
    avgCostPerRequest: up(cost, requests),
    requests: { total: requests, completed, failed, successRate: halfUp(completed * 10_000, requests) / 100 },
    tokens: { input: inputTokens, output: outputTokens, total: totalTokens },
  }
}

/** The exact percentile, by nearest rank; less than a millisecond counts as one. */
export function percentile(calls: readonly Call[], percent: number): number | null {
  const told = calls
    .flatMap((call) => (call.latencyMs === null ? [] : [Math.max(1, call.latencyMs)]))
    .sort((a, b) => a - b)
  return told[Math.ceil((told.length * percent) / 100) - 1] ?? null
}

const KEYS: Readonly<Record<Dimension, (model: Model, call: Call) => string | null>> = {
  agent: (_, call) => call.agentId,
  token: (_, call) => call.tokenId,
  owner: ownerOf,
  project: (model, call) => model.tokens.get(subjectOf(call))?.project ?? null,
  provider: (_, call) => call.provider,
  model: (_, call) => call.model,
  day: (_, call) => new Date(call.receivedAt).toISOString().slice(0, 10),
}

function labelOf(model: Model, dimension: Dimension, key: string | null): string | null {
  if (key === null) return null
  if (dimension === 'agent') return model.agents.get(key)?.name ?? null
  if (dimension === 'token') return `name of ${key}`
  return dimension === 'owner' ? (model.users.get(key) ?? null) : null
}

type Figures = ReturnType<typeof figures>
type Row = Figures & { readonly key: string | null; readonly label: string | null; readonly provider: string | null }

/** All groups, in the order asked for. */
export function groups(model: Model, calls: readonly Call[], dimension: Dimension, sort?: string): Row[] {
  const members = new Map<string, Call[]>()
  for (const call of calls) {
    const id = JSON.stringify([KEYS[dimension](model, call), providerOf(dimension, call)])
    members.set(id, [...(members.get(id) ?? []), call])
  }
  const rows = [...members].map(([id, group]) => {
    const [key, provider] = JSON.parse(id) as [string | null, string | null]
    return {
      key,
      label: labelOf(model, dimension, key),
      provider,
      ...figures(model, group, dimension, [key], key !== null),
    }
  })
  return rows.sort(order(sort ?? (dimension === 'day' ? 'key' : '-cost')))
}

/** What all groups are together. */
export function allGroups(model: Model, calls: readonly Call[], dimension: Dimension) {
  const rows = groups(model, calls, dimension)
  const keys = rows.map((row) => row.key)
  return { groups: rows.length, ...figures(model, calls, dimension, keys, true) }
}

function providerOf(dimension: Dimension, call: Call): string | null {
  return dimension === 'model' || dimension === 'provider' ? call.provider : null
}

function figures(
  model: Model,
  calls: readonly Call[],
  dimension: Dimension,
  keys: readonly (string | null)[],
  keyed: boolean,
) {
  const sums = usage(calls)
  const byAgent = dimension === 'agent' && keyed
  const allocated = add(keys.map((key) => (key === null ? 0 : (model.agents.get(key)?.allocated ?? 0))))
  const spent = add(calls.filter((call) => KEYS[dimension](model, call) !== null).map((call) => call.cost))
  return {
    ...sums,
    allocated: byAgent ? allocated : null,
    percentUsed: byAgent ? halfUp(spent * 10_000, allocated) / 100 : null,
    avgCostPerRequest: up(sums.cost, sums.requests),
    avgTokensPerRequest: halfUp(sums.totalTokens, sums.requests),
  }
}

function order(sort: string): (a: Row, b: Row) => number {
  const field = sort.replace('-', '') as 'cost' | 'requests' | 'totalTokens' | 'key'
  const sign = sort.startsWith('-') ? -1 : 1
  const byKey = (a: Row, b: Row, direction: number): number =>
    compare(a.key, b.key, direction) || compare(a.provider, b.provider, direction)
  return (a, b) => (field === 'key' ? byKey(a, b, sign) : sign * (a[field] - b[field]) || byKey(a, b, 1))
}

/** What has no key comes last, in either direction. */
function compare(a: string | null, b: string | null, direction: number): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null)
  return direction * Buffer.compare(Buffer.from(a), Buffer.from(b))
}

/** Every span of the period, or `undefined` when there are more than 1000. */
export function timeline(model: Model, bucket: Bucket, period: Period, scope: Scope) {
  const ms = bucket === 'hour' ? HOUR : DAY
  const calls = select(model, period, scope)
  const range = resolvePeriod(period, model.now, Math.min(...calls.map((call) => call.receivedAt)))
  const points = []
  if (period === 'all-time' && calls.length === 0) return []
  const end = typeof period === 'string' && range.to === model.now ? range.to + 1 : range.to
  for (let start = range.from - (range.from % ms); start < end; start += ms) {
    const within = calls.filter((call) => call.receivedAt >= start && call.receivedAt < start + ms)
    points.push({ start, ...usage(within) })
  }
  return points.length > 1_000 ? undefined : points
}

/** How costs are spread. */
export function costs(calls: readonly Call[]) {
  const sorted = calls.map((call) => call.cost as number).sort((a, b) => a - b)
  const middle = [sorted[Math.ceil(sorted.length / 2) - 1] ?? 0, sorted[Math.floor(sorted.length / 2)] ?? 0]
  const spend = add(sorted)
  return {
    requests: sorted.length,
    spend,
    avg: up(spend, sorted.length),
    median: Math.ceil(add(middle) / 2),
    min: sorted[0] ?? 0,
    max: sorted.at(-1) ?? 0,
  }
}
