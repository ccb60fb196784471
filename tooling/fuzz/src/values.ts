/** Values for fields: what their schema takes, more or less, and what it does not. */
import type { Chance } from './chance.ts'
import { HOSTILE_NAMES, HOSTILE_VALUES } from './hostile.ts'
import type { Schema, Surface } from './operations.ts'
import type { Principal, World } from './world.ts'

/** What values are made from. */
export interface Maker {
  readonly surface: Surface
  readonly world: World
  readonly chance: Chance
  readonly principal: Principal
}

/** Levels of a schema that are followed. */
const DEPTH_MAX = 6
/** More than any list may hold. */
const REPEATED_TIMES = 1_200
/** Above what a server takes as a body. */
const REPEATED_CHARACTERS_MAX = 3_000_000
const ID = /^([a-z]+)_[0-9a-f]{8}-/

/** A value that a schema takes, mostly. */
export function valueOf(maker: Maker, given: Schema, depth = 0): unknown {
  const { chance } = maker
  const schema = maker.surface.resolve(given)
  if (schema.enum !== undefined) return chance.pick(schema.enum)
  if (schema.anyOf !== undefined && schema.properties === undefined) {
    return valueOf(maker, chance.pick(schema.anyOf), depth + 1)
  }
  const type = Array.isArray(schema.type) ? (chance.pick(schema.type) as string) : schema.type
  switch (type) {
    case 'null':
      return null
    case 'boolean':
      return chance.happens(0.5)
    case 'integer':
      return numberOf(chance, schema, Math.trunc)
    case 'number':
      return numberOf(chance, schema, (value) => Math.round(value * 1e6) / 1e6)
    case 'string':
      return textOf(maker, schema)
    case 'array':
      if (depth >= DEPTH_MAX) return []
      return Array.from({ length: chance.below(4) }, () => valueOf(maker, schema.items ?? {}, depth + 1))
    default:
      return objectOf(maker, schema, depth)
  }
}

function objectOf(maker: Maker, schema: Schema, depth: number): unknown {
  if (depth >= DEPTH_MAX) return {}
  const fields = Object.entries(schema.properties ?? {}).filter(
    ([name]) => name !== 'ic_token' && (schema.required?.includes(name) === true || maker.chance.happens(0.4)),
  )
  return Object.fromEntries(fields.map(([name, field]) => [name, valueOf(maker, field, depth + 1)]))
}

function numberOf(chance: Chance, schema: Schema, round: (value: number) => number): number {
  const least = schema.minimum ?? 0
  const most = schema.maximum ?? Number.MAX_SAFE_INTEGER
  if (chance.happens(0.15)) return chance.pick([least, most, least - 1, most + 1])
  return Math.min(most, round(least + chance.below(1_000)))
}

function textOf({ chance, world, principal }: Maker, schema: Schema): string {
  const example = schema.examples?.[0]
  const prefix =
    ID.exec(schema.pattern?.slice(1) ?? '')?.[1] ?? ID.exec(String(example))?.[1] ?? prefixOf(schema.pattern)
  if (prefix !== undefined) {
    const known = world.idsOf(prefix, principal, true)
    return known.length > 0 ? chance.pick(known) : `${prefix}_0199c2f0-5a00-7000-8000-00000000000${chance.below(10)}`
  }
  if (schema.format === 'date-time') {
    return new Date(Date.UTC(2026, chance.below(24), 1 + chance.below(28))).toISOString()
  }
  if (schema.format === 'uri') return `https://provider-${chance.below(1_000)}.example/v1`
  if (schema.description === RANGE) return `192.0.2.${chance.below(256)}/32`
  const unique = `${principal.canary ?? 'text'}-${chance.below(1_000_000)}`
  if (schema.description?.includes('@') === true) {
    return schema.description.startsWith('Without') ? unique : `${unique}@fuzz.test`
  }
  if (chance.happens(0.1) && schema.maxLength !== undefined) {
    return 'é'.repeat(Math.min(20_000, schema.maxLength + chance.below(3) - 1))
  }
  return unique.padEnd(schema.minLength ?? 0, 'x')
}

const RANGE = 'An IP address or a CIDR range'

/** `^agent_[0-9a-f]{8}…` → `agent` */
function prefixOf(pattern: string | undefined): string | undefined {
  return /^\^([a-z]+)_\[0-9a-f\]\{8\}/.exec(pattern ?? '')?.[1]
}

/** An example with ids that exist, and names that are new, in the place of its own. */
export function enlivened(maker: Maker, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => enlivened(maker, item))
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, livelyField(maker, name, item)]))
  }
  if (typeof value !== 'string') return value
  const prefix = ID.exec(value)?.[1]
  if (prefix === undefined) return value
  const known = maker.world.idsOf(prefix, maker.principal, true)
  return known.length > 0 ? maker.chance.pick(known) : value
}

function livelyField(maker: Maker, name: string, value: unknown): unknown {
  const { chance, principal } = maker
  const suffix = chance.below(1_000_000)
  if (name === 'timestamp') return new Date().toISOString()
  if (name === 'email') return `${principal.canary ?? 'somebody'}-${suffix}@fuzz.test`
  if (/^(username|name|description|reason|justification|request_id|event_id|notes|display_name)$/.test(name)) {
    return typeof value === 'string' ? `${principal.canary ?? 'text'} ${suffix}`.replaceAll(' ', '-') : value
  }
  return enlivened(maker, value)
}

/** Spoils one place of a value. */
export function spoiled({ chance }: Pick<Maker, 'chance'>, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || chance.happens(0.15)) return chance.pick(HOSTILE_VALUES)
  if (Array.isArray(value)) {
    if (value.length === 0) return [chance.pick(HOSTILE_VALUES)]
    const place = chance.below(value.length)
    if (chance.happens(0.2)) return repeated(value[place])
    return value.map((item: unknown, index) => (index === place ? spoiled({ chance }, item) : item))
  }
  const names = Object.keys(value)
  if (names.length === 0 || chance.happens(0.25)) {
    // Assigned as JSON.parse would: `__proto__` is a name like any other.
    return withField(value, chance.pick(HOSTILE_NAMES), chance.pick(HOSTILE_VALUES))
  }
  const name = chance.pick(names)
  const field = (value as Readonly<Record<string, unknown>>)[name]
  if (chance.happens(0.15)) return Object.fromEntries(Object.entries(value).filter(([each]) => each !== name))
  return withField(value, name, spoiled({ chance }, field))
}

/** An item again and again. One that holds such lists itself is not multiplied beyond what anybody could send. */
function repeated(item: unknown): unknown[] {
  const times = Math.ceil(REPEATED_CHARACTERS_MAX / JSON.stringify(item).length)
  return new Array<unknown>(Math.min(REPEATED_TIMES, times)).fill(item)
}

function withField(value: object, name: string, field: unknown): unknown {
  const copy: Record<string, unknown> = { ...value }
  Object.defineProperty(copy, name, { value: field, enumerable: true, configurable: true, writable: true })
  return copy
}
