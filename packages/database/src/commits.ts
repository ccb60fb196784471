import { channel } from 'node:diagnostics_channel'

/** Told of every commit of this process, as a {@link CommitMessage}; costs nothing while nobody subscribes. */
export const COMMITS_CHANNEL = 'iron:database:commit'

/** What is told of a commit. */
export interface CommitMessage {
  /**
   * Writes that it made durable: above 1 when grouped ones shared it. In `:memory:`, whose one connection everybody shares, a
   * read is one as well.
   */
  readonly writes: number
}

const commits = channel(COMMITS_CHANNEL)

/** Tells of a commit whoever subscribed to {@link COMMITS_CHANNEL}. They can neither delay it nor fail it. */
export function tellCommit(writes: number): void {
  if (commits.hasSubscribers) commits.publish({ writes } satisfies CommitMessage)
}
