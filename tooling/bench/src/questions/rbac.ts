/** What does a permission check cost: one role and permission, with and without the question of who owns the row. */
import { assert, roundRobin, shuffled, timed, timeOfCall } from '../micro.ts'
import type { Question } from '../question.ts'

const ROLES = ['admin', 'user', 'viewer'] as const
const PERMISSIONS = [
  ['agents', 'read'],
  ['agents', 'write'],
  ['agents', 'stop'],
  ['metrics', 'read'],
  ['tokens', 'write'],
  ['users', 'manage'],
  ['providers', 'read'],
  ['providers', 'manage'],
  ['budgets', 'request'],
  ['limits', 'manage'],
  ['audit', 'read'],
] as const
type Role = (typeof ROLES)[number]
type Permission = `${(typeof PERMISSIONS)[number][0]}:${(typeof PERMISSIONS)[number][1]}` & keyof typeof ANY
const ME = 'user-001'

/** What everybody's table is made from, here in full: role → permission → how far. */
const ANY = {
  'agents:read': 'any',
  'agents:write': 'any',
  'agents:stop': 'any',
  'metrics:read': 'any',
  'tokens:write': 'any',
  'users:manage': 'any',
  'providers:read': 'any',
  'providers:manage': 'any',
  'budgets:request': 'any',
  'limits:manage': 'any',
  'audit:read': 'any',
} as const
const TABLE: Readonly<Record<Role, Readonly<Partial<Record<keyof typeof ANY, 'own' | 'any'>>>>> = {
  admin: ANY,
  user: {
    'agents:read': 'own',
    'agents:write': 'own',
    'agents:stop': 'own',
    'metrics:read': 'own',
    'tokens:write': 'own',
    'providers:read': 'any',
    'budgets:request': 'own',
  },
  viewer: { 'agents:read': 'own', 'metrics:read': 'own', 'providers:read': 'any' },
}

interface Check {
  readonly role: Role
  readonly permission: Permission
  readonly type: string
  readonly action: string
  readonly subject: { readonly id: string; readonly role: Role }
  readonly resource: { readonly ownerId: string } | undefined
  readonly expected: boolean
}

function checksFor(owned: boolean): Check[] {
  const checks = ROLES.flatMap((role) =>
    PERMISSIONS.flatMap(([type, action]) =>
      (owned ? [ME, 'user-002'] : [undefined]).map((ownerId): Check => {
        const permission = `${type}:${action}` as Permission
        const scope = TABLE[role][permission]
        const expected = scope === 'any' || (scope === 'own' && (ownerId === undefined || ownerId === ME))
        const resource = ownerId === undefined ? undefined : { ownerId }
        return { role, permission, type, action, subject: { id: ME, role }, resource, expected }
      }),
    ),
  )
  return shuffled(checks)
}

/** How a check is put, made ready beforehand, and asked. */
interface Asker<Arranged> {
  readonly arrange: (check: Check) => Arranged
  readonly ask: (arranged: Arranged) => boolean
}

/** Every check is answered as the table says, then one after the other is timed. */
function asking<Arranged>(owned: boolean, make: () => Promise<Asker<Arranged>>) {
  return async () => {
    const { arrange, ask } = await make()
    const checks = checksFor(owned).map((check) => ({ check, arranged: arrange(check) }))
    for (const { check, arranged } of checks) assert.equal(ask(arranged), check.expected, JSON.stringify(check))
    const next = roundRobin(checks.map(({ arranged }) => arranged))
    return () => ask(next())
  }
}

const ours = async (): Promise<Asker<Check>> => {
  const { can } = await import('@iron/rbac')
  return { arrange: (check) => check, ask: ({ subject, permission, resource }) => can(subject, permission, resource) }
}

const nested = async (): Promise<Asker<Check>> => {
  const table = new Map(ROLES.map((role) => [role, new Map(Object.entries(TABLE[role]))]))
  const ask = ({ subject, permission, resource }: Check): boolean => {
    const scope = table.get(subject.role)?.get(permission)
    return scope === 'any' || (scope === 'own' && (resource === undefined || resource.ownerId === subject.id))
  }
  return { arrange: (check) => check, ask }
}

/** Abilities are made once a role, which here is once a user, and rows are marked with their type beforehand. */
const casl = async () => {
  const { AbilityBuilder, createMongoAbility, subject } = await import('@casl/ability')
  const abilityOf = (role: Role) => {
    const { can, build } = new AbilityBuilder(createMongoAbility)
    for (const [permission, scope] of Object.entries(TABLE[role])) {
      const [type = '', action = ''] = permission.split(':')
      if (scope === 'any') can(action, type)
      else can(action, type, { ownerId: ME })
    }
    return build()
  }
  const abilities = { admin: abilityOf('admin'), user: abilityOf('user'), viewer: abilityOf('viewer') }
  const arrange = ({ role, action, type, resource }: Check) => {
    const on = resource === undefined ? type : subject(type, { ...resource })
    return { ability: abilities[role], action, on }
  }
  const asker: Asker<ReturnType<typeof arrange>> = {
    arrange,
    ask: ({ ability, action, on }) => ability.can(action, on),
  }
  return asker
}

const casbin = async (): Promise<Asker<Check>> => {
  const { newEnforcer, newModelFromString, StringAdapter } = await import('casbin')
  const model = newModelFromString(`
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.sub == p.sub && r.obj == p.obj && r.act == p.act`)
  const rules = ROLES.flatMap((role) =>
    Object.keys(TABLE[role]).map((permission) => `p, ${role}, ${permission.replace(':', ', ')}`),
  )
  const enforcer = await newEnforcer(model, new StringAdapter(rules.join('\n')))
  return { arrange: (check) => check, ask: ({ role, type, action }) => enforcer.enforceSync(role, type, action) }
}

const NESTED = 'Map of Maps'

export const questions: Readonly<Record<string, Question>> = {
  'rbac-role': {
    figures: timeOfCall(
      'can(role, permission)',
      { against: '@casl/ability', times: 1 },
      { against: NESTED, times: 1 / 2 },
    ),
    contestants: [
      timed('ours', 'can', asking(false, ours)),
      timed('rival', '@casl/ability', asking(false, casl)),
      timed('rival', 'casbin', asking(false, casbin)),
      timed('limit', NESTED, asking(false, nested)),
    ],
  },
  'rbac-owner': {
    figures: timeOfCall(
      'can(role, permission, row)',
      { against: '@casl/ability', times: 1 },
      { against: NESTED, times: 1 / 2 },
    ),
    contestants: [
      timed('ours', 'can', asking(true, ours)),
      timed('rival', '@casl/ability', asking(true, casl)),
      timed('limit', NESTED, asking(true, nested)),
    ],
  },
}
