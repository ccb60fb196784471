/** What the server says of itself in its OpenAPI document: every route, what it takes, and the closed list of codes. */

/** A JSON Schema, as far as values are made from it. */
export interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: string
  readonly format?: string
  readonly description?: string
  readonly examples?: readonly unknown[]
}

/** One route. */
export interface Operation {
  /** `GET /agents/{id}` */
  readonly name: string
  readonly method: string
  readonly path: string
  readonly query: readonly { readonly name: string; readonly required: boolean; readonly schema: Schema }[]
  /** Absent: it takes no body. */
  readonly body: { readonly schema: Schema; readonly example: unknown } | undefined
  /** Names of security schemes, each enough. */
  readonly credentials: readonly string[]
  /** What a user must be allowed to. */
  readonly permissions: readonly string[]
  /** Statuses that may be answered. */
  readonly statuses: ReadonlySet<number>
}

/** The whole. */
export interface Surface {
  readonly operations: readonly Operation[]
  /** Every code an error may have. */
  readonly codes: ReadonlySet<string>
  /** What a `$ref` names. */
  resolve(schema: Schema): Schema
}

interface RawOperation {
  readonly parameters?: readonly {
    readonly name?: string
    readonly in?: string
    readonly required?: boolean
    readonly schema?: Schema
  }[]
  readonly requestBody?: {
    readonly content: { readonly 'application/json': { readonly schema: Schema; readonly example?: unknown } }
  }
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[]
  readonly responses: Readonly<Record<string, unknown>>
}

interface RawDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, RawOperation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

/** Reads `GET /openapi.json`. */
export function readSurface(text: string): Surface {
  const { paths, components } = JSON.parse(text) as RawDocument
  const { schemas } = components
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, raw]) => readOperation(method.toUpperCase(), path, raw)),
  )
  return {
    operations,
    codes: new Set((schemas['Error']?.properties?.['code']?.enum ?? []) as string[]),
    resolve: (schema) => {
      const name = schema.$ref?.split('/').at(-1)
      return name === undefined ? schema : (schemas[name] ?? {})
    },
  }
}

function readOperation(method: string, path: string, raw: RawOperation): Operation {
  const content = raw.requestBody?.content['application/json']
  return {
    name: `${method} ${path}`,
    method,
    path,
    query: (raw.parameters ?? []).flatMap((parameter) =>
      parameter.in === 'query' && parameter.name !== undefined
        ? [{ name: parameter.name, required: parameter.required === true, schema: parameter.schema ?? {} }]
        : [],
    ),
    body: content === undefined ? undefined : { schema: content.schema, example: content.example },
    credentials: (raw.security ?? []).flatMap((alternative) => Object.keys(alternative)),
    permissions: raw.security?.find((alternative) => 'session' in alternative)?.['session'] ?? [],
    statuses: new Set(Object.keys(raw.responses).map(Number)),
  }
}
