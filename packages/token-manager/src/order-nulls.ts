/** What a column's order is built with. */
interface OrderBuilder<O> {
  asc(): O
  desc(): O
  nullsFirst(): O
  nullsLast(): O
}

/**
 * The order of a column of a list. The engines put nulls at different ends, so it is said where they stand; a column that is
 * never null keeps the plain order, which is its index's.
 *
 * @param nulls what nothing counts as
 */
export function ordered(direction: 'asc' | 'desc', nulls: 'lowest' | 'highest' | 'none') {
  return <O extends OrderBuilder<O>>(order: O): O => {
    const directed = direction === 'asc' ? order.asc() : order.desc()
    if (nulls === 'none') return directed
    return (nulls === 'lowest') === (direction === 'asc') ? directed.nullsFirst() : directed.nullsLast()
  }
}
