import { anyObject } from '../answers/shape.ts'
import { defineRoute, type RouteDefinition } from '../http/route.ts'
import { buildDocument } from '../openapi/document.ts'
import { asset, type AssetPath, ASSETS, PAGE, PAGE_POLICY, START_SCRIPT } from '../openapi/reference-page.ts'

const open = { method: 'GET', auth: 'public', rateLimit: 'public', audit: [] } as const
/** May be kept for five minutes (http-api 1.10). */
const KEPT = { 'Cache-Control': 'public, max-age=300' }

/**
 * The document of all routes and the page that shows it.
 *
 * @param all the routes of the document; asked at the first request
 */
export function referenceRoutes(all: () => readonly RouteDefinition[]): readonly RouteDefinition[] {
  let document: Buffer | undefined
  return [
    defineRoute({
      ...open,
      path: '/openapi.json',
      summary: 'This document: OpenAPI 3.1 of every route',
      answers: { 200: anyObject() },
      handler: async () => {
        document ??= Buffer.from(JSON.stringify(buildDocument(all())))
        return { text: { type: 'application/json; charset=utf-8', content: document }, headers: KEPT }
      },
    }),
    defineRoute({
      ...open,
      path: '/docs',
      atRoot: true,
      summary: 'This document as an interactive page',
      answers: { 200: 'text/html' },
      handler: async () => ({
        text: { type: 'text/html; charset=utf-8', content: PAGE },
        headers: { ...KEPT, 'Content-Security-Policy': PAGE_POLICY },
      }),
    }),
    defineRoute({
      ...open,
      path: '/docs/start.js',
      summary: 'The script of that page',
      answers: { 200: 'text/javascript' },
      handler: async () => ({
        text: { type: 'text/javascript; charset=utf-8', content: START_SCRIPT },
        headers: KEPT,
      }),
    }),
    ...Object.entries(ASSETS).map(([path, { type }]) =>
      defineRoute({
        ...open,
        path,
        summary: 'A file of that page',
        answers: { 200: type },
        handler: async () => ({
          text: { type: `${type}; charset=utf-8`, content: await asset(path as AssetPath) },
          headers: KEPT,
        }),
      }),
    ),
  ]
}
