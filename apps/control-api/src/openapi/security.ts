/** Credentials as OpenAPI knows them (http-api 2 and 3.2). */
import type { RouteAuth, RouteDefinition } from '../http/route.ts'
import type { JsonSchema } from './json-schema.ts'

export const SECURITY_SCHEMES: Readonly<Record<string, JsonSchema>> = {
  session: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: "A user's session: the `access_token` of `POST /auth/login`.",
  },
  apiToken: {
    type: 'apiKey',
    in: 'header',
    name: 'X-API-Token',
    description:
      'An API token, `at_…`; also taken as `Authorization: Bearer`. May do what its owner may, within its scopes.',
  },
  icToken: {
    type: 'apiKey',
    in: 'header',
    name: 'X-IC-Token',
    description:
      "An agent's IC token, `ic_…`; also taken as `Authorization: Bearer`, and as the field `ic_token` of a body.",
  },
  refreshToken: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'The `refresh_token` of a session, unless it is sent in the body.',
  },
  scrapeToken: {
    type: 'http',
    scheme: 'bearer',
    description: 'The value of `IRON_METRICS_TOKEN`.',
  },
}

type Scheme = keyof typeof SECURITY_SCHEMES

/** Each alone is enough; an empty name stands for no credential. */
const TAKES: Readonly<Record<RouteAuth, readonly Scheme[]>> = {
  public: [],
  login: [],
  refresh: ['refreshToken', ''],
  session: ['session'],
  user: ['session', 'apiToken'],
  'api-token': ['apiToken'],
  agent: ['icToken'],
  'user-or-agent': ['session', 'apiToken', 'icToken'],
  any: ['session', 'apiToken', 'icToken'],
  metrics: ['session', 'apiToken', 'scrapeToken'],
}

/** What a route takes, with the permissions the credential must have. */
export function securityOf(route: RouteDefinition): readonly JsonSchema[] {
  const ofPeople = permissionsOf(route)
  const ofAgents = route.agentPermission === undefined ? [] : [route.agentPermission]
  return TAKES[route.auth].map((scheme) => {
    if (scheme === '') return {}
    if (scheme === 'icToken') return { [scheme]: ofAgents }
    return { [scheme]: scheme === 'session' || scheme === 'apiToken' ? ofPeople : [] }
  })
}

/** The permissions that people need. */
export function permissionsOf({ permission }: RouteDefinition): readonly string[] {
  return permission === undefined ? [] : [permission].flat()
}
