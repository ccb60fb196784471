/** Seeds whose worlds once failed; they run for ever. */
export const regressions: readonly { readonly seed: number; readonly note: string }[] = []
