/** A connection of node-redis (`sendCommand`) or ioredis (`call`), or anything that can do one of the two. */
export type RedisLike =
  | { sendCommand(args: readonly string[]): Promise<unknown> }
  | { call(command: string, ...args: string[]): Promise<unknown> }

type Calling = Extract<RedisLike, { call: unknown }>

/** Sends a command. ioredis is recognised first: it also has a `sendCommand`, which takes something else. */
export function send(client: RedisLike, command: string, ...args: readonly string[]): Promise<unknown> {
  return isCalling(client) ? client.call(command, ...args) : client.sendCommand([command, ...args])
}

export function isRedisLike(client: unknown): client is RedisLike {
  if (typeof client !== 'object' || client === null) return false
  return isCalling(client) || typeof (client as { sendCommand?: unknown }).sendCommand === 'function'
}

function isCalling(client: object): client is Calling {
  return typeof (client as { call?: unknown }).call === 'function'
}
