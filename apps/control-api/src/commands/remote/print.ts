/** Prints one thing, as JSON or as text. */
export function print<T>(value: T, json: boolean | undefined, textOf: (value: T) => string): void {
  process.stdout.write(json === true ? `${JSON.stringify(value, null, 2)}\n` : textOf(value))
}

/** Prints a list, and says on stderr when there is more than what is shown. */
export function printList<T>(
  { data, total }: { readonly data: readonly T[]; readonly total: number },
  json: boolean | undefined,
  textOf: (rows: readonly T[]) => string,
): void {
  print(data, json, textOf)
  if (total > data.length) process.stderr.write(`${String(data.length)} of ${String(total)}; --limit shows more\n`)
}
