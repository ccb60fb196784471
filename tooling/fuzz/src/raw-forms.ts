/**
 * Requests that HTTP forbids, or that one server reads differently than another (smuggling). Each is written on a connection
 * of its own, which is then half closed: what the server makes of it must end within the deadline.
 */

/** From a request line, header lines and a body to bytes (latin1). */
export type RawForm = (line: string, headers: readonly string[], body: string) => string

const head = (line: string, headers: readonly string[], ...more: readonly string[]): string =>
  `${[line, ...headers, ...more].join('\r\n')}\r\n\r\n`

const chunk = (text: string, size = text.length.toString(16)): string => `${size}\r\n${text}\r\n`

/** A second request, hidden in the body of the first. */
const HIDDEN = 'GET /api/v1/users HTTP/1.1\r\nHost: hidden\r\n\r\n'

export const RAW_FORMS: Readonly<Record<string, RawForm>> = {
  'a length above the body': (line, headers, body) => head(line, headers, `Content-Length: ${body.length + 10}`) + body,
  'a length below the body': (line, headers, body) =>
    head(line, headers, `Content-Length: ${Math.max(0, body.length - 3)}`) + body,
  'two lengths': (line, headers, body) =>
    head(line, headers, `Content-Length: ${body.length}`, 'Content-Length: 0') + body,
  'a length and chunks': (line, headers, body) =>
    head(line, headers, `Content-Length: ${body.length}`, 'Transfer-Encoding: chunked') + chunk(body) + chunk(''),
  'chunks and a hidden request': (line, headers) =>
    head(line, headers, 'Content-Length: 4', 'Transfer-Encoding: chunked') + `0\r\n\r\n${HIDDEN}`,
  'an encoding that nobody knows': (line, headers) => head(line, headers, 'Transfer-Encoding: xchunked') + HIDDEN,
  'chunked twice': (line, headers, body) =>
    head(line, headers, 'Transfer-Encoding: chunked', 'Transfer-Encoding: identity') + chunk(body) + chunk(''),
  'a space before the colon': (line, headers, body) =>
    head(line, headers, 'Transfer-Encoding : chunked') + chunk(body) + chunk(''),
  'a folded header': (line, headers) => head(line, headers, 'X-Folded: a\r\n b'),
  'bare line feeds': (line, headers) => `${[line, ...headers].join('\n')}\n\n`,
  'a bare carriage return': (line, headers) => head(line, headers, 'X-Bare: a\rb'),
  'a zero byte in a header': (line, headers) => head(line, headers, 'X-Zero: a\0b'),
  'a chunk size that is none': (line, headers) => head(line, headers, 'Transfer-Encoding: chunked') + 'ZZ\r\n',
  'a chunk size beyond 2^64': (line, headers) =>
    head(line, headers, 'Transfer-Encoding: chunked') + 'fffffffffffffffff\r\n{}',
  'a negative chunk size': (line, headers) => head(line, headers, 'Transfer-Encoding: chunked') + '-2\r\n{}\r\n',
  'a long chunk extension': (line, headers, body) =>
    head(line, headers, 'Transfer-Encoding: chunked') +
    chunk(body, `${body.length.toString(16)};${'e'.repeat(20_000)}`),
  'many small chunks': (line, headers, body) =>
    head(line, headers, 'Transfer-Encoding: chunked', 'Connection: close') +
    body.replaceAll(/[^]/g, (byte) => chunk(byte)) +
    chunk(''),
  'chunks that end early': (line, headers, body) => head(line, headers, 'Transfer-Encoding: chunked') + chunk(body),
  'a trailer': (line, headers, body) =>
    head(line, headers, 'Transfer-Encoding: chunked', 'Trailer: X-IC-Token', 'Connection: close') +
    chunk(body) +
    '0\r\nX-IC-Token: ic_x\r\n\r\n',
  'headers that end early': (line, headers) => `${[line, ...headers].join('\r\n')}\r\nX-Cut`,
  'a request line that ends early': (line) => line.slice(0, 12),
  'no Host': (line, headers) =>
    head(
      line,
      headers.filter((each) => !each.startsWith('Host:')),
    ),
  'two Hosts': (line, headers) => head(line, headers, 'Host: evil.example'),
  'an empty Host': (line, headers) => head(line, ['Host:', ...headers.slice(1)]),
  'HTTP/0.9': (line) => `${line.replace(/ HTTP.*/, '')}\r\n`,
  'HTTP/1.0 kept alive': (line, headers) => head(line.replace('1.1', '1.0'), headers, 'Connection: keep-alive'),
  'HTTP/2.0': (line, headers) => head(line.replace('1.1', '2.0'), headers),
  'HTTP/9.9': (line, headers) => head(line.replace('1.1', '9.9'), headers),
  'the preface of HTTP/2': () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0',
  'a TLS greeting': () => '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  'a tunnel': () => 'CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n',
  'spaces in the path': (line, headers) => head(line.replace('/api', '/a pi'), headers),
  'bytes above 127 in the path': (line, headers) => head(line.replace('/api', '/\xe4\xff'), headers),
  'a tab in the request line': (line, headers) => head(line.replace(' ', '\t'), headers),
  'a lower-case method': (line, headers) => head(line.toLowerCase(), headers),
  'pipelined requests': (line, headers, body) =>
    (head(line, headers, `Content-Length: ${body.length}`) + body).repeat(3),
  'five thousand headers': (line, headers) => head(line, headers, 'a: b\r\n'.repeat(5_000).trimEnd()),
  'a WebSocket with a bad key': (_, headers) =>
    head('GET /ws HTTP/1.1', headers, 'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Key: x'),
  'a WebSocket and a frame without a mask': (_, headers) =>
    head(
      'GET /ws HTTP/1.1',
      headers,
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ) + '\x81\x05hello',
  'a WebSocket and a frame of 2^63 bytes': (_, headers) =>
    head(
      'GET /ws HTTP/1.1',
      headers,
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ) + '\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0',
}
