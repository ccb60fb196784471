import type { RouteDefinition } from './route.ts'
import type { FindFaults } from './validator.ts'

/** A route that fits a path, with the path's parameters (still encoded ones that cannot be decoded are undefined). */
export interface RouteMatch {
  readonly route: CompiledRoute
  readonly params: Readonly<Record<string, string | undefined>>
}

/** A route and whatever was prepared for it at the start. */
export interface CompiledRoute {
  readonly definition: RouteDefinition
  /** Absent: the method takes no body. */
  readonly faultsOfBody: FindFaults | undefined
  readonly faultsOfQuery: FindFaults
}

interface Node {
  readonly statics: Map<string, Node>
  parameter: Node | undefined
  readonly methods: Map<string, { readonly route: CompiledRoute; readonly names: readonly string[] }>
}

const newNode = (): Node => ({ statics: new Map(), parameter: undefined, methods: new Map() })

/** Finds routes by raw path: segments are compared as they are, so no encoding trick reaches another route (AUT-20). */
export class RouteTable {
  readonly #root = newNode()

  /**
   * @param method under which the route answers, if not its own
   * @throws Error when two routes have the same method and path
   */
  add(base: string, route: CompiledRoute, method: string = route.definition.method): void {
    let node = this.#root
    const names: string[] = []
    for (const segment of segmentsOf(`${base}${route.definition.path}`)) {
      const name = /^\{(\w+)\}$/.exec(segment)?.[1]
      if (name === undefined) {
        let next = node.statics.get(segment)
        if (next === undefined) node.statics.set(segment, (next = newNode()))
        node = next
      } else {
        names.push(name)
        node = node.parameter ??= newNode()
      }
    }
    const { path } = route.definition
    if (node.methods.has(method)) throw new Error(`two routes are ${method} ${base}${path}`)
    node.methods.set(method, { route, names })
  }

  /** Every method a path takes; empty when the path is unknown. */
  find(
    path: string,
  ): { readonly methods: readonly string[]; match(method: string): RouteMatch | undefined } | undefined {
    const values: string[] = []
    const node = descend(this.#root, segmentsOf(withoutTrailingSlash(path)), 0, values)
    if (node === undefined) return undefined
    return {
      methods: [...node.methods.keys()],
      match: (method) => {
        const found = node.methods.get(method)
        if (found === undefined) return undefined
        const params = Object.fromEntries(found.names.map((name, index) => [name, decoded(values[index] ?? '')]))
        return { route: found.route, params }
      },
    }
  }
}

function descend(node: Node, segments: readonly string[], index: number, values: string[]): Node | undefined {
  const segment = segments[index]
  if (segment === undefined) return node.methods.size > 0 ? node : undefined
  const literal = node.statics.get(segment)
  if (literal !== undefined) {
    const found = descend(literal, segments, index + 1, values)
    if (found !== undefined) return found
  }
  if (node.parameter === undefined || segment === '') return undefined
  values.push(segment)
  const found = descend(node.parameter, segments, index + 1, values)
  if (found === undefined) values.pop()
  return found
}

function segmentsOf(path: string): string[] {
  return path.slice(1).split('/')
}

/** One trailing slash is ignored (http-api 1.1). */
function withoutTrailingSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}
