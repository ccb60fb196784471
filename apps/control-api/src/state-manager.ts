import { type ControlApiConfig, loadConfig, sealConfig } from './config.ts'
import { createLogger, type Logger } from './observability/logger.ts'
import { loadSecrets } from './secrets.ts'
import { type ComposeOptions, composeServices, type Services } from './services.ts'

/** Opens what a server needs, once, and closes it. */
export class StateManager implements AsyncDisposable {
  readonly config: ControlApiConfig
  readonly logger: Logger
  readonly #options: Pick<ComposeOptions, 'clock' | 'bcryptCost'>
  #services: Promise<Services> | undefined

  /** @throws {ConfigError} when the environment is not valid and no configuration is given */
  constructor(config?: Partial<ControlApiConfig>, options: Pick<ComposeOptions, 'clock' | 'bcryptCost'> = {}) {
    this.config = config === undefined ? loadConfig() : sealConfig({ ...loadConfig({}), ...config })
    this.logger = createLogger(this.config.logLevel)
    this.#options = options
  }

  /**
   * The services on the open, migrated database.
   *
   * @throws {ConfigError} missing secrets; {DatabaseError} SCHEMA_MISMATCH, DATABASE_UNAVAILABLE
   */
  services(): Promise<Services> {
    this.#services ??= composeServices(this.config, loadSecrets(this.config), {
      ...this.#options,
      onBackgroundError: (error) => this.logger.error({ err: error }, 'background failure'),
    })
    return this.#services
  }

  async close(): Promise<void> {
    const services = await this.#services?.catch(() => undefined)
    await services?.close()
    await services?.database.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
