import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from '@jest/globals'
import { parseSource, urlOf } from '../src/source.ts'

const here = (file: string): object => ({ dialect: 'sqlite', file: path.resolve(file) })

test.each([
  ['./iron.db', here('iron.db')],
  ['data/iron.db', here('data/iron.db')],
  ['sqlite:./iron.db', here('iron.db')],
  ['sqlite:iron.db', here('iron.db')],
  ['sqlite:///./iron.db?mode=rwc', here('iron.db')],
  ['sqlite:///srv/iron.db', here('/srv/iron.db')],
  ['sqlite:/srv/my%20iron.db', here('/srv/my iron.db')],
  [pathToFileURL('/srv/iron.db').href, here('/srv/iron.db')],
  ['file:/srv/my%20iron.db?mode=rwc', here('/srv/my iron.db')],
  ['file:./my%20iron.db?mode=rwc', here('my iron.db')],
  ['file:../iron.db', here('../iron.db')],
  ['file:iron.db', here('iron.db')],
  ['file::memory:', { dialect: 'sqlite', file: ':memory:' }],
  [':memory:', { dialect: 'sqlite', file: ':memory:' }],
  ['sqlite::memory:', { dialect: 'sqlite', file: ':memory:' }],
  ['postgres://u:p@host/db', { dialect: 'postgres', url: 'postgres://u:p@host/db' }],
  ['postgresql://host/db', { dialect: 'postgres', url: 'postgresql://host/db' }],
])('%s', (source, place) => {
  expect(parseSource(source)).toEqual(place)
})

test('a URL object is taken as well', () => {
  expect(parseSource(new URL('file:///srv/iron.db'))).toEqual(here('/srv/iron.db'))
  expect(parseSource(new URL('postgres://host/db'))).toEqual({ dialect: 'postgres', url: 'postgres://host/db' })
})

test.each([undefined, null, 5, {}, []])('%j names no database', (source) => {
  expect(() => parseSource(source as never)).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_URL' }))
})

test.each([
  'mysql://host/db',
  'http://host',
  '',
  '  ',
  'sqlite:',
  'sqlite://',
  'a\0b',
  'sqlite:%',
  'sqlite:a%00b',
  'file:',
  'file:?mode=rwc',
  // Would promise what is not kept.
  'sqlite:./iron.db?mode=ro',
  'sqlite:///srv/iron.db?mode=rwc&cache=shared',
  'file:/srv/iron.db?immutable=1',
  'file:./iron.db?MODE=rwc',
  'file:%',
  'file://[',
  'file:///a%00b',
  'postgres://host:99999/db',
  'postgres://a b',
])('%j is refused', (source) => {
  expect(() => parseSource(source)).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_URL' }))
})

test.each([
  ['postgres://iron:hidden@host/db', 'postgres://iron@host/db'],
  ['postgres://iron@host/db?password=hidden&sslmode=disable', 'postgres://iron@host/db?sslmode=disable'],
  ['/srv/iron.db', 'sqlite:/srv/iron.db'],
  [':memory:', 'sqlite::memory:'],
])('%s is told without password', (source, url) => {
  expect(urlOf(parseSource(source))).toBe(url)
})
