/** What does it cost to know what a call cost. */
import { assert, roundRobin, timed, timeOfCall } from '../micro.ts'
import type { Question } from '../question.ts'

const MODEL = 'gpt-4o'
/** USD per million tokens of that model at its maker, as all current lists have it. */
const INPUT_USD = 2.5
const OUTPUT_USD = 10
const TABLE = 'Map and integers'
const RATE_UNITS = 1_000_000

const CALLS = Array.from({ length: 64 }, (_, index) => ({ input: 1_000 + 37 * index, output: 100 + 13 * index }))
type Call = (typeof CALLS)[number]

/** Microdollars, rounded up. */
const exactly = ({ input, output }: Call): number => Math.ceil((input * 25 + output * 100) / 10)

const ours = async () => {
  const { CostCalculator } = await import('@iron/cost-calculator')
  const calculator = new CostCalculator()
  const amounts = ({ input, output }: Call) => calculator.cost(MODEL, { input, output })
  return { price: amounts, micros: (call: Call) => amounts(call).amount }
}

const genai = async () => {
  const { calcPrice } = await import('@pydantic/genai-prices')
  const price = ({ input, output }: Call) =>
    calcPrice({ input_tokens: input, output_tokens: output }, MODEL, { providerId: 'openai' })
  return { price, micros: (call: Call) => inMicros(price(call)?.total_price ?? Number.NaN) }
}

/** Its list is of 2024, with the prices of that year. */
const llmCost = async () => {
  const { estimateCost } = await import('llm-cost')
  const price = ({ input, output }: Call) => estimateCost({ model: MODEL, inputTokens: input, outputTokens: output })
  return { price, micros: ({ input, output }: Call) => exactly({ input, output }) * (price({ input, output }) ? 1 : 0) }
}

const table = async () => {
  const rates = new Map([[MODEL, { input: INPUT_USD * RATE_UNITS, output: OUTPUT_USD * RATE_UNITS }]])
  const micros = ({ input, output }: Call) => {
    const rate = rates.get(MODEL)
    if (rate === undefined) throw new Error('an unknown model')
    const total = input * rate.input + output * rate.output
    const rest = total % RATE_UNITS
    return (total - rest) / RATE_UNITS + (rest > 0 ? 1 : 0)
  }
  return { price: micros, micros }
}

/** Floats give what a whole number of microdollars would be, within one. */
const inMicros = (usd: number): number => Math.ceil(usd * RATE_UNITS - 1e-6)

const pricing =
  (make: () => Promise<{ price: (call: Call) => unknown; micros: (call: Call) => number }>) => async () => {
    const { price, micros } = await make()
    for (const call of CALLS) assert.equal(micros(call), exactly(call))
    const next = roundRobin(CALLS)
    return () => price(next())
  }

export const questions: Readonly<Record<string, Question>> = {
  cost: {
    figures: timeOfCall('cost of a call', { against: '@pydantic/genai-prices', times: 50 }, { bound: 300 }),
    contestants: [
      timed('ours', 'cost', pricing(ours)),
      timed('rival', '@pydantic/genai-prices', pricing(genai)),
      timed('rival', 'llm-cost', pricing(llmCost)),
      timed('limit', TABLE, pricing(table)),
    ],
  },
}
