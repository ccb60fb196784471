import { ModernFakeTimers } from '@jest/fake-timers'
import { ModuleMocker } from 'jest-mock'

const SUITE_FRAME = /file:\/\/([^\s?]+)\?suite=\d+/g

/** The process itself, not a realm of its own in it: what a suite changes of it is put back when the suite is over. */
export default class NativeEnvironment {
  global = globalThis
  moduleMocker = new ModuleMocker(globalThis)
  fakeTimers = null
  #console = globalThis.console
  #exit = process.exit
  #variables = { ...process.env }

  constructor({ projectConfig }) {
    this.fakeTimersModern = new ModernFakeTimers({ config: projectConfig, global: globalThis })
  }

  async setup() {}

  async teardown() {
    this.fakeTimersModern.dispose()
    this.moduleMocker.restoreAllMocks()
    globalThis.console = this.#console
    process.exit = this.#exit
    for (const name of Object.keys(process.env)) if (!(name in this.#variables)) delete process.env[name]
    Object.assign(process.env, this.#variables)
  }

  /** Frames of an error name files, without what tells the files of one suite from those of another. */
  handleTestEvent(event) {
    if (event.name !== 'test_done') return
    for (const error of event.test.errors.flat()) {
      if (typeof error?.stack === 'string') error.stack = error.stack.replaceAll(SUITE_FRAME, '$1')
    }
  }

  exportConditions() {
    return []
  }

  getVmContext() {
    return null
  }
}
