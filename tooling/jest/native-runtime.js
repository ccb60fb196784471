import { createRequire, registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'

const require = createRequire(import.meta.url)
const GLOBALS = new URL('./globals.js', import.meta.url).href
/** Where jest looks how long a test may take. */
const TEST_TIMEOUT = Symbol.for('TEST_TIMEOUT_SYMBOL')

let suites = 0

// Files of tests are evaluated anew for each suite, as jest does; they know it by the query of their address. What they test is
// loaded once, as in any program: a third of the processor time of token-manager's suites went into loading the same modules again.
registerHooks({
  resolve(specifier, context, nextResolve) {
    const [suite] = /\?suite=\d+$/.exec(context.parentURL ?? '') ?? []
    if (suite === undefined) return nextResolve(specifier, context)
    if (specifier === '@jest/globals') return { url: GLOBALS + suite, format: 'module', shortCircuit: true }
    const resolved = nextResolve(specifier, context)
    const ofTests = resolved.url.endsWith('.ts') && /\/test\/(?!.*\/node_modules\/)/.test(resolved.url)
    return ofTests ? { ...resolved, url: resolved.url + suite } : resolved
  },
})

/**
 * Loads suites as Node loads any module: no transformation but Node's own stripping of types, no realm but the process's.
 * Of jest's runtime it has what jest-runner and jest-circus call.
 */
class NativeRuntime {
  #environment
  #suite

  constructor(_config, environment, _resolver, _transformer, _cacheFS, { collectCoverage }) {
    if (collectCoverage) throw new Error('--coverage: Node collects it, see NODE_V8_COVERAGE')
    this.#environment = environment
    suites += 1
    this.#suite = `?suite=${suites}`
  }

  /** The parts of jest that run a suite keep its state in their modules, so each suite has its own. */
  requireInternalModule(file) {
    delete require.cache[file]
    return require(file)
  }

  requireModule(file) {
    return require(file)
  }

  unstable_shouldLoadAsEsm() {
    return true
  }

  unstable_importModule(file) {
    return import(pathToFileURL(file).href + this.#suite)
  }

  setGlobalsForRuntime(globals) {
    globalThis[Symbol.for('iron.jest')] = { ...globals, jest: this.#jest() }
  }

  #jest() {
    const { moduleMocker, fakeTimersModern: timers } = this.#environment
    return {
      fn: moduleMocker.fn.bind(moduleMocker),
      spyOn: moduleMocker.spyOn.bind(moduleMocker),
      restoreAllMocks: () => moduleMocker.restoreAllMocks(),
      useFakeTimers: (options) => timers.useFakeTimers(options),
      useRealTimers: () => timers.useRealTimers(),
      advanceTimersByTime: (ms) => timers.advanceTimersByTime(ms),
      advanceTimersByTimeAsync: (ms) => timers.advanceTimersByTimeAsync(ms),
      getTimerCount: () => timers.getTimerCount(),
      setTimeout: (ms) => {
        globalThis[TEST_TIMEOUT] = ms
      },
    }
  }

  teardown() {
    delete globalThis[TEST_TIMEOUT]
    delete globalThis[Symbol.for('iron.jest')]
  }

  enterTestCode() {}
  leaveTestCode() {}

  getSourceMaps() {
    return new Map()
  }

  getAllCoverageInfoCopy() {}
}

// What `require` gives jest, which asks for a class.
export { NativeRuntime as 'module.exports' }
