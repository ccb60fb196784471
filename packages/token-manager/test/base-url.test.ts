import { describe, expect, test } from '@jest/globals'
import { Faults } from '@iron/database'
import { checkBaseUrl } from '../src/providers/base-url.ts'

function fault(url: unknown): string | undefined {
  const faults = new Faults()
  checkBaseUrl(faults, 'baseUrl', url)
  return faults.details.fields.baseUrl
}

describe('base URLs', () => {
  test.each([
    'https://api.openai.com/v1',
    'https://example.com:8443/',
    'https://10.0.0.7/llm',
    'https://[2001:db8::1]/v1',
    'http://localhost:8080',
    'http://llm.localhost',
    'http://127.0.0.1:11434/v1',
    'http://127.8.9.10',
    'http://[::1]:3000/',
    'https://example.openai.azure.com/openai?api-version=2024-10-21',
    `https://example.com/${'x'.repeat(1_980)}`,
  ])('VAL-15 accepts %s', (url) => {
    expect(fault(url)).toBeUndefined()
  })

  test.each([
    'http://api.openai.com/v1',
    'http://10.0.0.7',
    'http://0.0.0.0',
    'http://localhost.example.com',
    'ftp://example.com',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'https:example.com',
    'https:/example.com',
    'https://',
    'example.com/v1',
    'https://example.com/v1#models',
    'https://example.com/v1 ',
    'https://example.com/my models',
    'https://user:pass@example.com',
    'https://user@example.com',
    'https://:pass@example.com',
    'https://169.254.169.254/latest/meta-data',
    'http://169.254.169.254',
    'https://169.254.1.1',
    'https://2852039166/',
    'https://0xA9FEA9FE/',
    'https://0251.0376.0251.0376/',
    'https://169.254.43518/',
    'https://[fe80::1]/',
    'https://[febf::1]/',
    'https://[::ffff:169.254.169.254]/',
    'https://[::ffff:a9fe:a9fe]/',
    'https://[64:ff9b::a9fe:a9fe]/',
    'https://[fd00:ec2::254]/',
    'https://metadata.google.internal/computeMetadata/v1',
    'https://METADATA.google.internal./',
    'https://100.100.100.200/',
    'https://1６9.254.169.254/',
    `https://example.com/${'x'.repeat(1_981)}`,
    'https://exa\u0000mple.com',
    'https://exam\tple.com',
    'x',
    '',
    7,
    null,
  ])('VAL-15 refuses %s', (url) => {
    expect(fault(url)).toEqual(expect.any(String))
  })
})
