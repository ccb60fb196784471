import { defineRoute } from '../http/route.ts'
import { upgradeRequired } from '../ws/socket-endpoint.ts'

export const socketRoutes = [
  defineRoute({
    method: 'GET',
    path: '/ws',
    auth: 'public',
    rateLimit: 'public',
    audit: [],
    atRoot: true,
    summary: 'The WebSocket of live events; a plain GET is told to upgrade',
    answers: { 101: null },
    errors: ['UPGRADE_REQUIRED', 'ORIGIN_NOT_ALLOWED'],
    handler: async () => {
      throw upgradeRequired()
    },
  }),
]
