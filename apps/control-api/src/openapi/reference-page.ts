/** The interactive page of the document: Swagger UI from the installed package, nothing from elsewhere. */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/** Where the page and what it loads are served. */
const BASE = '/api/v1'

/** What the page loads, by path; nothing else is served. */
export const ASSETS = {
  '/docs/swagger-ui.css': { type: 'text/css', find: () => import.meta.resolve('swagger-ui-dist/swagger-ui.css') },
  '/docs/swagger-ui.js': {
    type: 'text/javascript',
    find: () => import.meta.resolve('swagger-ui-dist/swagger-ui-bundle.js'),
  },
} as const

/** The path of one of them. */
export type AssetPath = keyof typeof ASSETS

const read = new Map<AssetPath, Promise<Buffer>>()

/** The bytes of an asset; read once. */
export async function asset(path: AssetPath): Promise<Buffer> {
  const known = read.get(path)
  if (known !== undefined) return known
  const reading = readFile(fileURLToPath(ASSETS[path].find()))
  read.set(path, reading)
  return reading
}

/** Starts the page: a file of its own, because the page's policy forbids scripts in it. */
export const START_SCRIPT = `SwaggerUIBundle({
  url: '${BASE}/openapi.json',
  dom_id: '#reference',
  deepLinking: true,
  docExpansion: 'none',
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  filter: true,
  persistAuthorization: false,
  validatorUrl: null,
})
`

export const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Iron control API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${BASE}/docs/swagger-ui.css">
</head>
<body>
<div id="reference"></div>
<noscript>This page needs JavaScript. The document itself is at <a href="${BASE}/openapi.json">${BASE}/openapi.json</a>.</noscript>
<script src="${BASE}/docs/swagger-ui.js"></script>
<script src="${BASE}/docs/start.js"></script>
</body>
</html>
`

/** The page loads and asks this server only; the inline styles are those of Swagger UI. */
export const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join(';')
