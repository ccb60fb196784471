/** What the compiler must refuse of a client that is generated from the document. */
import createClient from 'openapi-fetch'
import type { paths } from './generated/api.ts'

const api = createClient<paths>({ baseUrl: '' })

/** Never called. */
export async function wrongUses(): Promise<void> {
  // @ts-expect-error -- there is no such path
  await api.GET('/agent')
  // @ts-expect-error -- an amount is a number
  await api.POST('/budget/handshake', { body: { requested_usd: '10' } })
  // @ts-expect-error -- a report names its lease
  await api.POST('/budget/report', { body: { request_id: 'call-1', model: 'm', cost_usd: 1 } })
  const { data } = await api.GET('/budget')
  // @ts-expect-error -- there is no such field
  data?.summary.allocated
  const { error } = await api.POST('/budget/handshake', { body: {} })
  // @ts-expect-error -- a handshake is never refused for a trace that is not there
  if (error?.code === 'TRACE_NOT_FOUND') return
}
