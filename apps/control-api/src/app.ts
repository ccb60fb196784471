import type { Express } from 'express'
import type { ControlApiConfig } from './config.ts'
import { createApplication } from './http/application.ts'
import type { Logger } from './observability/logger.ts'
import { routes, routesWithoutReference } from './routes/index.ts'
import type { Services } from './services.ts'

/** The control API on its services. It never listens. */
export function createApp(services: Services, config: ControlApiConfig, logger: Logger): Express {
  const { allowedOrigins, trustedProxies, environment, docs } = config
  const strictTransportSecurity = environment === 'production'
  const served = docs ? routes : routesWithoutReference
  return createApplication(served, services, { allowedOrigins, trustedProxies, strictTransportSecurity }, logger)
}
