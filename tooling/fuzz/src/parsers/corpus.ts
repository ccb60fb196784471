/** Texts that were found and are kept: each ran a block of a parser first, or was once taken wrongly. */
import { readFile, writeFile } from 'node:fs/promises'

/** Texts by the name of their parser. */
export type Corpus = Readonly<Record<string, readonly string[]>>

const FILE = new URL('../../corpus/parsers.json', import.meta.url)

export async function readCorpus(): Promise<Corpus> {
  return JSON.parse(await readFile(FILE, 'utf8')) as Corpus
}

/** Writes texts as ASCII: lone surrogates and control characters stay what they are. */
export async function writeCorpus(corpus: Corpus): Promise<void> {
  const kept = Object.fromEntries(Object.entries(corpus).filter(([, texts]) => texts.length > 0))
  const escape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  const text = JSON.stringify(kept, null, 2).replaceAll(/[\u007f-\uffff]/g, escape)
  await writeFile(FILE, `${text}\n`)
}
