// What a team would write for the same route: Express 5, a schema compiled by Ajv, jsonwebtoken with its key made once,
// express-rate-limit, and one row a call. `synchronous=NORMAL`: its answers may be lost with the power, ours may not.
import { createSecretKey } from 'node:crypto'
import { Ajv } from 'ajv'
import Database from 'better-sqlite3'
import express from 'express'
import { rateLimit } from 'express-rate-limit'
import jsonwebtoken from 'jsonwebtoken'

const [, , file = ':memory:', secret = ''] = process.argv
const key = createSecretKey(Buffer.from(secret, 'hex'))
const db = new Database(file)
db.pragma('journal_mode = WAL')
db.pragma('synchronous = NORMAL')
db.exec(`CREATE TABLE calls (
  request_id TEXT PRIMARY KEY, agent_id TEXT NOT NULL, lease_id TEXT NOT NULL, model TEXT NOT NULL,
  input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, cost_usd REAL NOT NULL, created_at INTEGER NOT NULL
) STRICT`)
const insert = db.prepare('INSERT OR IGNORE INTO calls VALUES (?, ?, ?, ?, ?, ?, ?, ?)')

interface Report {
  readonly lease_id: string
  readonly request_id: string
  readonly model: string
  readonly input_tokens: number
  readonly output_tokens: number
  readonly cost_usd: number
}
const isReport = new Ajv().compile<Report>({
  type: 'object',
  required: ['lease_id', 'request_id', 'model', 'input_tokens', 'output_tokens', 'cost_usd'],
  additionalProperties: false,
  properties: {
    lease_id: { type: 'string', minLength: 1, maxLength: 255 },
    request_id: { type: 'string', minLength: 1, maxLength: 100 },
    model: { type: 'string', minLength: 1, maxLength: 255 },
    input_tokens: { type: 'integer', minimum: 0 },
    output_tokens: { type: 'integer', minimum: 0 },
    cost_usd: { type: 'number', minimum: 0 },
  },
})

const app = express()
app.use(rateLimit({ windowMs: 60_000, limit: 1_000_000_000, standardHeaders: true }))
app.use(express.json({ limit: '64kb' }))
app.post('/api/v1/budget/report', (request, response) => {
  let agent: string
  try {
    const token = (request.get('x-ic-token') ?? '').replace(/^ic_/, '')
    const claims = jsonwebtoken.verify(token, key, { algorithms: ['HS256'], issuer: 'iron-control-panel' })
    agent = (claims as { agent_id: string }).agent_id
  } catch {
    response.status(401).json({ error: 'who are you', code: 'UNAUTHORIZED' })
    return
  }
  const report: unknown = request.body
  if (!isReport(report)) {
    response.status(400).json({ error: 'not a report', code: 'VALIDATION_ERROR', details: isReport.errors })
    return
  }
  const { request_id, lease_id, model, input_tokens, output_tokens, cost_usd } = report
  const { changes } = insert.run(request_id, agent, lease_id, model, input_tokens, output_tokens, cost_usd, Date.now())
  response.json({ request_id, lease_id, cost_usd, duplicate: changes === 0 })
})
const server = app.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address !== null && typeof address === 'object')
    process.stdout.write(`listening on http://127.0.0.1:${address.port}\n`)
})
