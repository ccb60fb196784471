/**
 * Waits for several pieces of work of one transaction, also after one has failed: nothing may be on its way any more when the transaction
 * is undone. On PostgreSQL, statements that are asked for so, at once, do not wait for one another's answers.
 *
 * @throws what the first to fail failed with; those after it may only have met a transaction that had failed
 */
export async function allDone(work: readonly Promise<unknown>[]): Promise<void> {
  let failed: { readonly error: unknown } | undefined
  const heard = work.map((each) =>
    each.catch((error: unknown) => {
      failed ??= { error }
    }),
  )
  await Promise.all(heard)
  if (failed !== undefined) throw failed.error
}
