import { expect, test } from '@jest/globals'
import { runnableBlocks, sessionOf } from '../src/document.ts'

const fence = '```'
const page = (...lines: string[]): string => lines.join('\n').replaceAll('~~~', fence)

test('commands are typed in order, programs saved under their name, and what is left out says why', () => {
  const markdown = page(
    '~~~sh',
    'one',
    '~~~',
    '~~~text',
    'shown',
    '~~~',
    '<!-- not run: needs a registry -->',
    '',
    '~~~sh',
    'left out',
    '~~~',
    '~~~ts',
    '// app.ts',
    'two()',
    '~~~',
    '~~~sh',
    'node app.ts',
    '~~~',
  )
  const blocks = runnableBlocks(markdown)
  expect(blocks.map(({ line, language, notRun }) => [line, language, notRun])).toEqual([
    [1, 'sh', undefined],
    [7, 'sh', 'needs a registry'],
    [12, 'ts', undefined],
    [16, 'sh', undefined],
  ])
  const typed = sessionOf(blocks).split('\n').slice(2)
  expect(typed.join('\n').trim()).toBe(
    page(
      "echo '@@ 1'",
      'one',
      '',
      "cat > app.ts <<'END_OF_FILE'",
      '// app.ts',
      'two()',
      'END_OF_FILE',
      '',
      "echo '@@ 16'",
      'node app.ts',
    ),
  )
})

test('a program that nobody could run is an error', () => {
  expect(() => sessionOf(runnableBlocks(page('text', '~~~py', 'print(1)', '~~~')))).toThrow('line 2')
})
