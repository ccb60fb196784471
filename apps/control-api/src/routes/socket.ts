import { defineRoute } from '../http/route.ts'
import { OF_CREDENTIALS } from '../openapi/errors-of.ts'
import { SOCKET_QUERY, upgradeRequired } from '../ws/socket-endpoint.ts'

export const socketRoutes = [
  defineRoute({
    method: 'GET',
    path: '/ws',
    auth: 'public',
    rateLimit: 'public',
    audit: [],
    atRoot: true,
    summary: 'The WebSocket of live events; a plain GET gets 426',
    query: SOCKET_QUERY,
    answers: { 101: null },
    // An upgrade may have a credential, a plain GET needs none.
    errors: ['UPGRADE_REQUIRED', 'ORIGIN_NOT_ALLOWED', 'PASSWORD_CHANGE_REQUIRED', ...OF_CREDENTIALS],
    handler: async () => {
      throw upgradeRequired()
    },
  }),
]
