import {
  type KyselyPlugin,
  OperationNodeTransformer,
  type PluginTransformQueryArgs,
  type PluginTransformResultArgs,
  type PrimitiveValueListNode,
  type QueryResult,
  type RootOperationNode,
  type UnknownRow,
  ValueListNode,
  ValueNode,
} from 'kysely'

/** Stands for a named parameter while a statement is being built. */
export class Placeholder {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

function isConstant(value: unknown): value is string | number | null {
  return value === null || typeof value === 'string' || typeof value === 'number'
}

class Inliner extends OperationNodeTransformer {
  protected override transformValue(node: ValueNode): ValueNode {
    return isConstant(node.value) ? ValueNode.createImmediate(node.value) : node
  }

  protected override transformPrimitiveValueList(node: PrimitiveValueListNode): PrimitiveValueListNode {
    const values = node.values.map((value) =>
      isConstant(value) ? ValueNode.createImmediate(value) : ValueNode.create(value),
    )
    // The compiler prints either list the same way; only the type tells them apart.
    return ValueListNode.create(values) as unknown as PrimitiveValueListNode
  }
}

/**
 * Writes the constants of a prepared statement into its text; what varies is a {@link Placeholder}. A constant that is bound
 * hides the predicate of a partial index: PostgreSQL's generic plan cannot use it, and SQLite prepares the statement anew at
 * every execution to look at the value (measured: 90 µs instead of 5). Constants come from our code, never from a request.
 */
export class InlineConstants implements KyselyPlugin {
  readonly #inliner = new Inliner()

  transformQuery(args: PluginTransformQueryArgs): RootOperationNode {
    return this.#inliner.transformNode(args.node)
  }

  transformResult(args: PluginTransformResultArgs): Promise<QueryResult<UnknownRow>> {
    return Promise.resolve(args.result)
  }
}
