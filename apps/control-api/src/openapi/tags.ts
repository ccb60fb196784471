/** The chapters of the document, by the first segment of a path. */
const TAGS = {
  Auth: { of: ['auth'], description: 'Login, sessions and your own account.' },
  Users: { of: ['users'], description: 'The people of the installation.' },
  'API tokens': { of: ['tokens'], description: 'Credentials of scripts and services.' },
  Agents: {
    of: ['agents'],
    description: 'Agents with their IC tokens, providers, budgets, leases and ledgers.',
  },
  'Budget protocol': {
    of: ['budget'],
    description: 'The protocol of agent runtimes: borrow a lease, report usage, refresh, return.',
  },
  'Budget requests': { of: ['budget-requests'], description: 'Requests for a higher allocation, and their review.' },
  Providers: { of: ['providers', 'keys'], description: 'LLM providers and their keys.' },
  Limits: { of: ['limits'], description: 'Usage limits of users, and the state of rate limits.' },
  Usage: { of: ['usage'], description: 'Usage by period and dimension, and calls made with API tokens.' },
  Analytics: { of: ['analytics'], description: 'Figures of a period, and telemetry.' },
  Logs: { of: ['requests', 'traces', 'events'], description: 'LLM calls, traces and events.' },
  Audit: { of: ['audit'], description: 'Who did what; a hash chain that can be verified.' },
  Service: {
    of: ['health', 'ready', 'version', 'metrics', 'openapi.json', 'docs', 'ws'],
    description: 'The process itself.',
  },
} as const

/** The tags as the document lists them. */
export const TAG_OBJECTS = Object.entries(TAGS).map(([name, { description }]) => ({ name, description }))

/** The tag of a path. @throws Error for a path of no chapter */
export function tagOf(path: string): string {
  const [, first = ''] = path.split('/')
  const found = Object.entries(TAGS).find(([, { of }]) => (of as readonly string[]).includes(first))
  if (found === undefined) throw new Error(`no chapter of the document has ${path}`)
  return found[0]
}
