import { generateSecrets } from '../secrets.ts'

/** Prints a fresh set of the three secrets, as lines for an environment file. */
export function printSecrets(): void {
  for (const [name, value] of Object.entries(generateSecrets())) process.stdout.write(`${name}=${value}\n`)
}
