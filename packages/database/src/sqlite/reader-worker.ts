// The body of a reader thread: one read-only connection that runs compiled SQL sent by the main thread. Closures do not
// cross; a snapshot is a deferred transaction between the first query of a read and its end.
import { parentPort, workerData } from 'node:worker_threads'
import { isIronError } from '../errors.ts'
import { checkpoint } from './checkpoint.ts'
import { SqliteConnection, VACUUM_INTO } from './connection.ts'
import type { ReaderAnswer, ReaderFailure, ReaderQuestion, ReaderSetup } from './reader-protocol.ts'

const setup = workerData as ReaderSetup
const port = parentPort
if (port === null) throw new Error('this module runs in a worker thread only')

const connection = new SqliteConnection(setup.file, { readonly: true, busyTimeoutMs: setup.busyTimeoutMs })

port.on('message', (question: ReaderQuestion) => {
  if (question.kind === 'end') {
    connection.endSnapshot()
    return
  }
  if (question.kind === 'close') {
    connection.close()
    port.close()
    return
  }
  port.postMessage(answer(question))
})

function answer(question: Extract<ReaderQuestion, { kind: 'query' | 'backup' | 'checkpoint' }>): ReaderAnswer {
  try {
    if (question.kind === 'backup') {
      return connection.runFlat({ sql: VACUUM_INTO, parameters: [question.file] })
    }
    if (question.kind === 'checkpoint') {
      checkpoint(setup)
      return { columns: [], values: [] }
    }
    connection.beginSnapshot()
    return connection.runFlat(question)
  } catch (error) {
    return { failure: failureOf(error) }
  }
}

function failureOf(error: unknown): ReaderFailure {
  if (isIronError(error)) {
    return { code: error.code, message: error.message, details: error.details, retryable: error.retryable }
  }
  return { code: null, message: error instanceof Error ? error.message : String(error), details: {}, retryable: false }
}
