import type { IncomingMessage } from 'node:http'
import { ApiError } from './errors.ts'
import { parseJson } from './json-numbers.ts'

/** Bytes of an ordinary body, and of the batch endpoints (http-api 1.12). */
export const BODY_BYTES_MAX = 64 * 1_024
export const BATCH_BYTES_MAX = 1_024 * 1_024
/** How deep a body may nest (http-api 1.5). */
const DEPTH_MAX = 32

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

/**
 * Reads and parses a JSON body. An absent body is `{}`.
 *
 * @throws {ApiError} PAYLOAD_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, MALFORMED_JSON
 */
export async function readJsonBody(request: IncomingMessage, bytesMax: number): Promise<unknown> {
  const declared = Number(request.headers['content-length'] ?? 0)
  if (declared > bytesMax) {
    discard(request)
    throw tooLarge(bytesMax)
  }
  const bytes = await readBytes(request, bytesMax)
  if (bytes.length === 0) return {}
  refuseOtherMedia(request)
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch (error) {
    throw malformed(error)
  }
  if (depthExceeds(text, DEPTH_MAX)) throw malformed(undefined)
  try {
    return parseJson(text)
  } catch (error) {
    throw malformed(error)
  }
}

function readBytes(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    const take = (chunk: Buffer): void => {
      length += chunk.length
      if (length <= bytesMax) {
        chunks.push(chunk)
        return
      }
      request.removeListener('data', take)
      chunks.length = 0
      discard(request)
      reject(tooLarge(bytesMax))
    }
    request.on('data', take)
    request.once('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)))
    request.once('error', (error) => reject(malformed(error)))
  })
}

/** Bytes of a refused body that are read and thrown away. */
const DISCARDED_BYTES_MAX = 16 * 1_024 * 1_024

/**
 * Lets a client finish sending a body that is refused: closing at once would reset the connection before the client has read
 * the answer. A client that goes on for too long is cut off, by bytes here and by the listener's request timeout.
 */
function discard(request: IncomingMessage): void {
  let discarded = 0
  request.on('data', (chunk: Buffer) => {
    discarded += chunk.length
    if (discarded > DISCARDED_BYTES_MAX) request.destroy()
  })
  request.on('error', () => undefined)
}

const JSON_TYPE = /^application\/json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*|;(?!\s*charset)[^;]*)*$/i

function refuseOtherMedia(request: IncomingMessage): void {
  const encoding = request.headers['content-encoding']
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new ApiError('UNSUPPORTED_MEDIA_TYPE', 'Compressed bodies are not supported')
  }
  if (!JSON_TYPE.test(request.headers['content-type'] ?? '')) {
    throw new ApiError('UNSUPPORTED_MEDIA_TYPE', 'The body must be application/json in UTF-8')
  }
}

/** Counts brackets outside of strings, so that the parser never recurses on a hostile body. */
function depthExceeds(text: string, depthMax: number): boolean {
  let depth = 0
  let inString = false
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (inString) {
      if (code === 0x5c) index += 1
      else if (code === 0x22) inString = false
    } else if (code === 0x22) inString = true
    else if (code === 0x7b || code === 0x5b) {
      depth += 1
      if (depth > depthMax) return true
    } else if (code === 0x7d || code === 0x5d) depth -= 1
  }
  return false
}

function tooLarge(bytesMax: number): ApiError {
  return new ApiError('PAYLOAD_TOO_LARGE', 'The body is too large', { details: { max_bytes: bytesMax } })
}

function malformed(cause: unknown): ApiError {
  return new ApiError('MALFORMED_JSON', 'The body is not valid JSON', { cause })
}
