import type { ActorRef } from '@iron/journal'

/** Who acts, as far as accounts are concerned: the user behind an API token, else the actor itself. */
export function actorId(actor: ActorRef): string {
  return typeof actor === 'object' ? (actor.userId ?? actor.id) : String(actor)
}
