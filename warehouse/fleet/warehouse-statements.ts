/**
 * CREATE, ALTER, DROP and DESCRIBE WAREHOUSE. Everybody may suspend and resume; the rest is for ACCOUNTADMIN.
 * Source: Snowflake, the pages of these commands.
 */
import { STATEMENT_TYPES, WIRE_CODES } from '#base/wire/codes.js';
import { unsupported } from '../engine/failures.js';
import { failure, missingObject, statusRow, syntaxFailure } from '../statement/outcome.js';
import type { Outcome } from '../statement/outcome.js';
import type { Session } from '../identity/sessions.js';
import type { OwnWorld } from '../statement/own-world.js';
import type { Statement } from '../statement/statement.js';
import { TokenReader } from '../statement/tokens.js';
import type { Token } from '../statement/tokens.js';
import type { Actor } from './place.js';
import { defaultDefinition } from './definition.js';
import type { WarehouseDefinition } from './definition.js';
import { WAREHOUSES_MAX } from './fleet.js';
import { makeOfKind, readProperties, readUnset } from './properties.js';
import type { Wanted } from './properties.js';
import type { VirtualWarehouse } from './virtual-warehouse.js';

const DONE = statusRow('Statement executed successfully.', STATEMENT_TYPES.ddl);
const OPERATIONS: ReadonlySet<string> = new Set(['SUSPEND', 'RESUME']);
const ALTERATIONS: ReadonlySet<string> = new Set([
  'SUSPEND',
  'RESUME',
  'SET',
  'UNSET',
  'ABORT',
  'RENAME',
]);

/** How a CREATE treats a warehouse that is there already. */
type Creating = 'new' | 'replace' | 'alter' | 'keep';

/** The answer, or undefined when the statement is not about a warehouse. */
export async function warehouseStatement(
  world: OwnWorld,
  statement: Statement,
  tokens: readonly Token[],
): Promise<Outcome | undefined> {
  const reader = new TokenReader(tokens);
  const verb = reader.acceptOne('CREATE', 'ALTER', 'DROP') ?? '';
  switch (verb) {
    case 'CREATE':
      return createStatement(world, statement, reader);
    case 'ALTER':
      return alterStatement(world, statement, reader);
    case 'DROP':
      return dropStatement(world, statement, reader);
    default:
      return undefined;
  }
}

async function createStatement(
  world: OwnWorld,
  statement: Statement,
  reader: TokenReader,
): Promise<Outcome | undefined> {
  let creating: Creating = reader.accept('OR', 'REPLACE')
    ? 'replace'
    : reader.accept('OR', 'ALTER')
      ? 'alter'
      : 'new';
  const kind = reader.acceptOne('INTERACTIVE', 'ADAPTIVE');
  if (!reader.accept('WAREHOUSE')) return undefined;
  if (kind === 'ADAPTIVE') return unsupported('adaptive warehouses');
  if (reader.accept('IF', 'NOT', 'EXISTS')) {
    if (creating !== 'new') return syntaxFailure('IF');
    creating = 'keep';
  }
  const name = reader.acceptName()?.[0];
  if (name === undefined) return syntaxFailure(reader.peek()?.value ?? 'WAREHOUSE');
  if (!mayAdminister(statement)) return notAllowed(name);
  const known = world.fleet.get(name);
  if (known !== undefined && creating === 'keep')
    return statusRow(`${name} already exists, statement succeeded.`, STATEMENT_TYPES.ddl);
  if (known !== undefined && creating === 'new') return alreadyExists(name);
  const start = startOf(world, known, name, creating);
  const wanted = readProperties(
    reader,
    kind === 'INTERACTIVE' ? { ...start, make: makeOfKind(kind) } : start,
    true,
    world.clock.now(),
  );
  if ('kind' in wanted) return wanted;
  const by = actorOf(statement);
  if (known !== undefined && creating === 'alter') {
    await world.fleet.alter(known, wanted.definition, by);
    return DONE;
  }
  if (known === undefined && !world.fleet.hasRoom)
    return unsupported(`more than ${WAREHOUSES_MAX} warehouses`);
  return create(world, statement, wanted, by);
}

/** The settings that a CREATE starts from: the defaults, under the number of the warehouse that CREATE OR ALTER finds. */
function startOf(
  world: OwnWorld,
  known: VirtualWarehouse | undefined,
  name: string,
  creating: Creating,
): WarehouseDefinition {
  return known !== undefined && creating === 'alter'
    ? defaultDefinition(name, known.definition.createdAtMs, known.definition.id)
    : defaultDefinition(name, world.clock.now(), world.fleet.freshId(name));
}

async function create(
  world: OwnWorld,
  statement: Statement,
  wanted: Wanted,
  by: Actor,
): Promise<Outcome> {
  const { name } = wanted.definition;
  const warehouse = await world.fleet.create(wanted.definition, by);
  if (!wanted.isInitiallySuspended) warehouse.resume('USER', by);
  statement.session.warehouse = name;
  return statusRow(`Warehouse ${name} successfully created.`, STATEMENT_TYPES.ddl);
}

async function alterStatement(
  world: OwnWorld,
  statement: Statement,
  reader: TokenReader,
): Promise<Outcome | undefined> {
  if (!reader.accept('WAREHOUSE')) return undefined;
  const ifExists = reader.accept('IF', 'EXISTS');
  const first = reader.peek();
  const isUnnamed = first?.kind === 'word' && ALTERATIONS.has(first.value);
  const current = world.fleet.ofSession(statement.session.warehouse)?.definition.name ?? null;
  const name = isUnnamed ? current : (reader.acceptName()?.[0] ?? null);
  if (name === null) return syntaxFailure(reader.peek()?.value ?? 'WAREHOUSE');
  if (!OPERATIONS.has(reader.peek()?.value ?? '') && !mayAdminister(statement))
    return notAllowed(name);
  const warehouse = world.fleet.get(name);
  if (warehouse === undefined) return ifExists ? DONE : missingObject('Warehouse', name);
  return alter(world, statement.session, warehouse, reader, actorOf(statement));
}

async function alter(
  world: OwnWorld,
  session: Session,
  warehouse: VirtualWarehouse,
  reader: TokenReader,
  by: Actor,
): Promise<Outcome> {
  const { definition } = warehouse;
  const verb = reader.acceptOne(...ALTERATIONS) ?? '';
  switch (verb) {
    case 'SUSPEND':
      if (!reader.atEnd) break;
      return warehouse.suspend('USER', by) ? DONE : invalidState(definition.name, 'suspended');
    case 'RESUME': {
      const ifSuspended = reader.accept('IF', 'SUSPENDED');
      if (!reader.atEnd) break;
      return warehouse.resume('USER', by) || ifSuspended
        ? DONE
        : invalidState(definition.name, 'resumed');
    }
    case 'ABORT':
      if (!reader.accept('ALL', 'QUERIES') || !reader.atEnd) break;
      warehouse.abortAll();
      return DONE;
    case 'RENAME': {
      const renamed = reader.accept('TO') ? reader.acceptName()?.[0] : undefined;
      if (renamed === undefined || !reader.atEnd) break;
      if (world.fleet.get(renamed) !== undefined) return alreadyExists(renamed);
      await world.fleet.alter(warehouse, { ...definition, name: renamed }, by);
      if (session.warehouse === definition.name) session.warehouse = renamed;
      return DONE;
    }
    case 'SET':
    case 'UNSET': {
      if (reader.atEnd) break;
      const now = world.clock.now();
      const wanted =
        verb === 'SET'
          ? readProperties(reader, definition, false, now)
          : readUnset(reader, definition, now);
      if ('kind' in wanted) return wanted;
      await world.fleet.alter(warehouse, wanted.definition, by);
      return DONE;
    }
    default:
      break;
  }
  return syntaxFailure(reader.peek()?.value ?? verb);
}

async function dropStatement(
  world: OwnWorld,
  statement: Statement,
  reader: TokenReader,
): Promise<Outcome | undefined> {
  if (!reader.accept('WAREHOUSE')) return undefined;
  const ifExists = reader.accept('IF', 'EXISTS');
  const name = reader.acceptName()?.[0];
  if (name === undefined || !reader.atEnd) return syntaxFailure(reader.peek()?.value ?? 'DROP');
  if (!mayAdminister(statement)) return notAllowed(name);
  const warehouse = world.fleet.get(name);
  if (warehouse === undefined)
    return ifExists
      ? statusRow(
          `Drop statement executed successfully (${name} already dropped).`,
          STATEMENT_TYPES.ddl,
        )
      : missingObject('Warehouse', name);
  await world.fleet.drop(warehouse, actorOf(statement));
  return statusRow(`${name} successfully dropped.`, STATEMENT_TYPES.ddl);
}

function mayAdminister(statement: Statement): boolean {
  return statement.session.role === 'ACCOUNTADMIN';
}

function actorOf(statement: Statement): Actor {
  return { user: statement.session.user.name, role: statement.session.role };
}

function notAllowed(name: string): Outcome {
  return failure(
    WIRE_CODES.insufficientPrivileges,
    '42501',
    `SQL access control error:\nInsufficient privileges to operate on warehouse '${name}'.`,
  );
}

function alreadyExists(name: string): Outcome {
  return failure(
    WIRE_CODES.objectExists,
    '42710',
    `SQL compilation error:\nObject '${name}' already exists.`,
  );
}

function invalidState(name: string, state: 'suspended' | 'resumed'): Outcome {
  return failure('090064', '22000', `Invalid state. Warehouse '${name}' cannot be ${state}.`);
}
