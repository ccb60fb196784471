import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'

/**
 * Leaves a run's figures in the folder named by IRON_TEST_RESULTS, where `tooling/dev/test.mjs` adds them up. A suite
 * that could not run at all counts as one failure: its tests are not among the failed ones.
 */
export default class ResultsReporter {
  onRunComplete(_contexts, results) {
    const folder = process.env.IRON_TEST_RESULTS
    mkdirSync(folder, { recursive: true })
    const name = path.basename(process.cwd())
    const figures = {
      folder: process.cwd(),
      passed: results.numPassedTests,
      failed: results.numFailedTests + results.numRuntimeErrorTestSuites,
      skipped: results.numPendingTests + results.numTodoTests,
      suites: results.testResults.map(({ testFilePath, perfStats }) => ({
        file: testFilePath,
        ms: perfStats.end - perfStats.start,
      })),
    }
    writeFileSync(path.join(folder, `${name}-${process.pid}.json`), JSON.stringify(figures))
  }
}
