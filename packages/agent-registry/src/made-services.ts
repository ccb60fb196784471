import type { DatabaseService } from '@iron/database'

/** Services that another one has made for itself: they end with it, so that a database it opened is closed. */
export class MadeServices {
  readonly #services: DatabaseService[] = []

  add<S extends DatabaseService>(service: S): S {
    this.#services.push(service)
    return service
  }

  async close(): Promise<void> {
    for (const service of this.#services) await service.close()
  }
}
