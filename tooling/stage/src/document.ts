/**
 * A Markdown page as the session of a reader: `sh` blocks are typed in order into one shell; a `ts`, `js` or `py` block begins with
 * its file name and is saved under it. `<!-- not run: reason -->` before a block leaves it out.
 */

export interface Block {
  readonly language: string
  readonly code: string
  /** Where it begins, from 1. */
  readonly line: number
  /** Why the block is not run. */
  readonly notRun: string | undefined
}

const FENCE = /(?:^<!-- not run: ([^\n]+) -->\n+)?^```(\w*)[^\n]*\n([^]*?)^```$/gm
const RUNNABLE = new Set(['sh', 'ts', 'js', 'py'])
const FILE_NAME = /^(?:\/\/|#) ([\w-]+\.(?:ts|js|py))\n/

/** The blocks that a reader could run. */
export function runnableBlocks(markdown: string): Block[] {
  return Array.from(markdown.matchAll(FENCE), (match) => {
    const [, notRun, language = '', code = ''] = match
    return { language, code, notRun, line: markdown.slice(0, match.index).split('\n').length }
  }).filter(({ language }) => RUNNABLE.has(language))
}

/**
 * One bash script of all blocks; a line `@@ <line>` on stdout before each says where it is.
 *
 * @throws Error for a program without a file name: nobody could run it
 */
export function sessionOf(blocks: readonly Block[]): string {
  const parts = blocks
    .filter(({ notRun }) => notRun === undefined)
    .map(({ language, code, line }) => {
      if (language === 'sh') return `echo '@@ ${line}'\n${code}`
      const name = FILE_NAME.exec(code)?.[1]
      if (name === undefined)
        throw new Error(`line ${line}: a ${language} block needs its file name, or a reason not to run`)
      return `cat > ${name} <<'END_OF_FILE'\n${code}END_OF_FILE\n`
    })
  return ['set -euo pipefail', "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT", ...parts].join('\n')
}
