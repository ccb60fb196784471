/** The classes of http-api 1.10; every route names one. */
export const RATE_CLASSES = [
  'flood',
  'authfail',
  'login',
  'login_email',
  'auth',
  'public',
  'read',
  'write',
  'secret',
  'analytics',
  'grant',
  'report',
  'batch',
  'beat',
] as const

export type RateClass = (typeof RATE_CLASSES)[number]
