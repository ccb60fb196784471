// The server of a test about anything but passwords: `iron serve`, with hashes that cost nothing.
import { serve } from '../../src/commands/serve.ts'

const BCRYPT_COST = 4

await serve({ bcryptCost: BCRYPT_COST })
