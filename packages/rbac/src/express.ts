export { requirePermission } from './express/require-permission.ts'
export type { RequirePermissionOptions } from './express/require-permission.ts'
