import { simulate } from './simulation.ts'

/** Lives one world and prints everything that happens in it. Resolves to whether it was sound. */
export async function replay(seed: number): Promise<boolean> {
  try {
    await simulate(seed, (line) => void process.stdout.write(`${line}\n`))
  } catch (error) {
    process.stdout.write(`FAILED: ${error instanceof Error ? error.message : String(error)}\n`)
    return false
  }
  process.stdout.write(`seed ${seed} is sound\n`)
  return true
}
