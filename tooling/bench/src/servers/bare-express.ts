// The limit that Express itself sets: it parses the same JSON and answers JSON of the same size, and does nothing else. Given a file,
// it writes a page of that and waits for the disk before each answer, which is the least that makes a call durable.
import { fdatasyncSync, openSync, writeSync } from 'node:fs'
import express from 'express'

const app = express()
app.set('etag', false)
app.use(express.json({ limit: '1mb' }))
const answer = {
  request_id: 'call-000000',
  lease_id: 'lease_01900000-0000-7000-8000-000000000001',
  cost_usd: 0.001,
  pricing: 'reported',
  duplicate: false,
  late: false,
  overrun_usd: 0,
  over_budget: false,
  lease: {
    status: 'active',
    granted_usd: 1000,
    spent_usd: 12.345,
    remaining_usd: 987.655,
    expires_at: '2026-01-15T13:00:00.000Z',
  },
  desired_state: 'running',
  budget: {
    allocated_usd: 1000000,
    spent_usd: 12.345,
    reserved_usd: 987.655,
    remaining_usd: 999000,
    overdrawn_usd: 0,
    percent_used: 0,
  },
}
const [, , name] = process.argv
const file = name === undefined ? undefined : openSync(name, 'w')
const page = Buffer.alloc(4_096, 1)
app.post('/*path', (request, response) => {
  if (file !== undefined) {
    writeSync(file, page)
    fdatasyncSync(file)
  }
  const body = request.body as { request_id?: string }
  response.json({ ...answer, request_id: body.request_id ?? null })
})
const server = app.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address !== null && typeof address === 'object')
    process.stdout.write(`listening on http://127.0.0.1:${address.port}\n`)
})
