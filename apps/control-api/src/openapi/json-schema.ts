/** Iron's schemas as plain JSON Schema: our keywords become standard ones, and named shapes components (OpenAPI 3.1). */
import type { IdPrefix } from '@iron/database'
import type { TextRuleName } from '../http/text-rules.ts'

/** A schema of the document. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** Where the named shapes of a document are collected. */
export type Components = Record<string, JsonSchema>

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}'

/** The last digits of the ids in examples; a budget has those of its agent (http-api 1.2). */
const EXAMPLE_IDS: Readonly<Record<IdPrefix, string>> = {
  user: '01',
  agent: '02',
  budget: '02',
  prov: '03',
  key: '04',
  sess: '05',
  lease: '06',
  tok: '07',
  ic: '08',
  req: '09',
  evt: '0a',
  aud: '0b',
  trace: '0c',
  breq: '0d',
  lim: '0e',
}

/** The id of a kind that examples use. */
const exampleId = (prefix: IdPrefix): string => `${prefix}_0199c2f0-5a00-7000-8000-0000000000${EXAMPLE_IDS[prefix]}`

/** The time that examples use. */
const EXAMPLE_TIME = '2026-01-31T09:30:00.000Z'

const RULES: Readonly<Record<TextRuleName, JsonSchema>> = {
  username: { minLength: 1, maxLength: 255, description: 'Without white space and @' },
  email: { minLength: 3, maxLength: 255, description: 'With exactly one @' },
  password: { minLength: 8, maxLength: 1_000, format: 'password' },
  providerName: { description: 'Of a-z, 0-9 and -' },
  baseUrl: {
    maxLength: 2_000,
    format: 'uri',
    description: 'https, or http to a loopback address; without credentials; not a link-local or metadata address',
  },
  addressRange: { description: 'An IP address or a CIDR range' },
}

const USD = {
  amount: { minimum: 0.000001, maximum: 1_000_000_000, description: 'US dollars, at most 6 decimals' },
  amountOrZero: { minimum: 0, maximum: 1_000_000_000, description: 'US dollars, at most 6 decimals' },
  cost: { minimum: 0, maximum: 1_000_000_000, description: 'US dollars; fractions of a microdollar are rounded up' },
} as const

interface TextRule {
  readonly min: number
  readonly max: number
  readonly multiline: boolean
  readonly trimmed?: boolean
  readonly rule?: TextRuleName
}

/** What each of our keywords says in plain JSON Schema. */
const KEYWORDS: Readonly<Record<string, (rule: never) => JsonSchema>> = {
  ironText: ({ min, max, trimmed, rule }: TextRule) => ({
    ...(rule === undefined ? {} : RULES[rule]),
    ...(min > 0 ? { minLength: min } : {}),
    // JSON Schema counts blanks that are not kept.
    ...(trimmed === true
      ? { description: `At most ${max} characters without the blanks around it` }
      : { maxLength: max }),
  }),
  ironRule: (name: TextRuleName) => RULES[name],
  ironId: (prefix: IdPrefix) => ({ pattern: `^${prefix}_${UUID}$`, examples: [exampleId(prefix)] }),
  ironAscii: (max: number) => ({ pattern: '^[!-~]+$', maxLength: max }),
  ironUsd: (rule: keyof typeof USD) => USD[rule],
  ironTime: () => ({ format: 'date-time', examples: [EXAMPLE_TIME] }),
  ironSecret: () => ({ writeOnly: true }),
  ironSetsOne: (names: readonly string[]) => ({ anyOf: names.map((name) => ({ required: [name] })) }),
  ironName: () => ({}),
}

/** Parts of a schema that are schemas themselves. */
const SUBSCHEMA = new Set(['items', 'additionalProperties'])
const SUBSCHEMAS = new Set(['anyOf', 'oneOf', 'allOf'])

/**
 * A schema for the document.
 *
 * @param components where the named shapes in it are put
 */
export function jsonSchema(schema: unknown, components: Components): JsonSchema {
  const source = schema as Readonly<Record<string, unknown>>
  if (source['ironItem'] !== undefined) return jsonSchema(source['ironItem'], components)
  const name = source['ironName']
  if (typeof name !== 'string') return plain(source, components)
  components[name] ??= plain(source, components)
  return { $ref: `#/components/schemas/${name}` }
}

function plain(source: Readonly<Record<string, unknown>>, components: Components): JsonSchema {
  const translated: Record<string, unknown> = {}
  for (const [keyword, value] of Object.entries(source)) {
    if (keyword.startsWith('~')) continue
    const ours = KEYWORDS[keyword]
    if (ours !== undefined) {
      // What a field says of itself goes before what its kind says: its example, above all.
      for (const [name, meaning] of Object.entries(ours(value as never))) translated[name] = source[name] ?? meaning
    } else if (keyword === 'properties') {
      translated[keyword] = Object.fromEntries(
        Object.entries(value as object).map(([field, part]) => [field, jsonSchema(part, components)]),
      )
    } else if (keyword === 'patternProperties') {
      translated['additionalProperties'] = true
    } else if (SUBSCHEMA.has(keyword) && typeof value === 'object') {
      translated[keyword] = jsonSchema(value, components)
    } else if (SUBSCHEMAS.has(keyword)) {
      translated[keyword] = (value as unknown[]).map((part) => jsonSchema(part, components))
    } else {
      translated[keyword] = value
    }
  }
  if (Array.isArray(translated['examples']) && translated['examples'].length === 0) delete translated['examples']
  return translated
}
