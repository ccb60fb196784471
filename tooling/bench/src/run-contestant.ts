// One contestant, once, in this process: `run-contestant.ts <question> <contestant>` prints its figures as one line of JSON.
import { questionOf } from './questions.ts'

const [, , question = '', name = ''] = process.argv
const contestant = questionOf(question).contestants.find((each) => each.name === name)
if (contestant === undefined) throw new Error(`${question} has no contestant ${name}`)
const figures = await contestant.measure()
process.stdout.write(`\n${JSON.stringify(figures)}\n`, () => {
  // Rivals leave timers behind: one a key.
  process.exit()
})
