/** One call of a provider that speaks OpenAI's protocol. */
import { normalizeUsage, type Usage } from '@iron/cost-calculator'

export interface ChatRequest {
  readonly model: string
  readonly messages: readonly { readonly role: 'system' | 'user' | 'assistant'; readonly content: string }[]
  /** Always given: without it nobody knows what a call may cost. */
  readonly max_tokens: number
}

export interface ChatAnswer {
  readonly text: string
  readonly usage: Usage
}

/** The provider said no, and bills nothing for that. */
export class NotBilled extends Error {}

/** @throws {NotBilled}; any other error leaves open whether the call is billed */
export async function chat(baseUrl: string, apiKey: string, request: ChatRequest): Promise<ChatAnswer> {
  const response = await fetch(`${baseUrl}/chat/completions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${apiKey}` },
    body: JSON.stringify(request),
  })
  if (!response.ok) throw new NotBilled(`the provider answers ${response.status}`)
  const body = (await response.json()) as { choices: { message: { content: string } }[]; usage: unknown }
  return { text: body.choices[0]?.message.content ?? '', usage: normalizeUsage('openai', body.usage) }
}
