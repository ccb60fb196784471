import { DatabaseService, type DbSource, type IronDatabase, type ServiceOptions } from '@iron/database'
import { AuditLog } from '@iron/journal'

/** A service that writes its audit entries in the transaction of the change, on the handle it works on. */
export abstract class AuditedService extends DatabaseService {
  readonly #options: ServiceOptions
  #audit: AuditLog | undefined

  constructor(source: DbSource, options: ServiceOptions = {}) {
    super(source, options)
    this.#options = { clock: options.clock, ids: options.ids }
  }

  /** The audit log of the open handle. */
  protected auditOf(db: IronDatabase): AuditLog {
    this.#audit ??= new AuditLog(db, this.#options)
    return this.#audit
  }
}
