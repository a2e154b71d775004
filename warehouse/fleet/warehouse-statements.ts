/**
 * CREATE, ALTER (SUSPEND, RESUME, SET, RENAME, ABORT ALL QUERIES) and DROP WAREHOUSE. Everybody may suspend and
 * resume; the rest is for ACCOUNTADMIN.
 */
import { STATEMENT_TYPES, WIRE_CODES } from '#base/wire/codes.js';
import { defaultDefinition } from './fleet.js';
import { failure, missingObject, statusRow, syntaxFailure } from '../statement/outcome.js';
import type { Outcome } from '../statement/outcome.js';
import type { OwnWorld } from '../statement/own-statements.js';
import { tryParseSize } from './rates.js';
import type { Statement } from '../statement/statement.js';
import { TokenReader } from '../statement/tokens.js';
import type { Token } from '../statement/tokens.js';
import type { VirtualWarehouse, WarehouseDefinition } from './virtual-warehouse.js';

const DONE = statusRow('Statement executed successfully.', STATEMENT_TYPES.ddl);

/** The answer, or undefined when the statement is not about a warehouse. */
export async function warehouseStatement(
  world: OwnWorld,
  statement: Statement,
  tokens: readonly Token[],
): Promise<Outcome | undefined> {
  const reader = new TokenReader(tokens);
  const verb = reader.acceptOne('CREATE', 'ALTER', 'DROP');
  const isReplacing = reader.accept('OR', 'REPLACE');
  if (verb === undefined || !reader.accept('WAREHOUSE')) return undefined;
  const ifExists = reader.accept('IF', 'EXISTS');
  const ifNotExists = reader.accept('IF', 'NOT', 'EXISTS');
  const isSetting =
    verb === 'ALTER' &&
    /^(SUSPEND|RESUME|SET|UNSET|ABORT|RENAME)$/.test(reader.peek()?.value ?? '');
  const name = isSetting ? statement.session.warehouse : (reader.acceptName()?.[0] ?? null);
  if (name === null) return syntaxFailure(reader.peek()?.value ?? 'WAREHOUSE');
  const warehouse = world.fleet.get(name);
  const next = reader.peek()?.value;
  const isOperating = verb === 'ALTER' && (next === 'SUSPEND' || next === 'RESUME');
  if (!isOperating && statement.session.role !== 'ACCOUNTADMIN')
    return failure(
      WIRE_CODES.insufficientPrivileges,
      '42501',
      `SQL access control error:\nInsufficient privileges to operate on warehouse '${name}'.`,
    );
  if (verb === 'CREATE') {
    if (warehouse !== undefined && !isReplacing)
      return ifNotExists
        ? statusRow(`${name} already exists, statement succeeded.`, STATEMENT_TYPES.ddl)
        : failure(
            WIRE_CODES.objectExists,
            '42710',
            `SQL compilation error:\nObject '${name}' already exists.`,
          );
    return create(world, statement, name, reader);
  }
  if (warehouse === undefined)
    return ifExists
      ? statusRow(
          'Drop statement executed successfully (' + name + ' already dropped).',
          STATEMENT_TYPES.ddl,
        )
      : missingObject('Warehouse', name);
  if (verb === 'ALTER') return alter(world, warehouse, reader);
  await world.fleet.drop(warehouse);
  return statusRow(`${name} successfully dropped.`, STATEMENT_TYPES.ddl);
}

async function create(
  world: OwnWorld,
  statement: Statement,
  name: string,
  reader: TokenReader,
): Promise<Outcome> {
  const wanted = readSettings(reader, defaultDefinition(name, 'XSMALL', world.clock.now()));
  if ('kind' in wanted) return wanted;
  const warehouse = await world.fleet.create(wanted.definition);
  if (!wanted.initiallySuspended) warehouse.resume('USER');
  statement.session.warehouse = name;
  return statusRow(`Warehouse ${name} successfully created.`, STATEMENT_TYPES.ddl);
}

async function alter(
  world: OwnWorld,
  warehouse: VirtualWarehouse,
  reader: TokenReader,
): Promise<Outcome> {
  const { name } = warehouse.definition;
  const invalid = (state: string): Outcome =>
    failure('090064', '22000', `Invalid state. Warehouse '${name}' cannot be ${state}.`);
  if (reader.accept('SUSPEND')) return warehouse.suspend('USER') ? DONE : invalid('suspended');
  if (reader.accept('RESUME')) {
    const ifSuspended = reader.accept('IF', 'SUSPENDED');
    return warehouse.resume('USER') || ifSuspended ? DONE : invalid('resumed');
  }
  if (reader.accept('ABORT', 'ALL', 'QUERIES')) {
    const statements = world.statements();
    for (const running of statements.running()) {
      if (running.session.warehouse === name) statements.abort(running);
    }
    return DONE;
  }
  if (reader.accept('RENAME', 'TO')) {
    const renamed = reader.acceptName()?.[0];
    if (renamed === undefined || world.fleet.get(renamed) !== undefined)
      return syntaxFailure(renamed ?? 'RENAME');
    warehouse.suspend('RENAME');
    await world.fleet.alter(warehouse, { ...warehouse.definition, name: renamed });
    return DONE;
  }
  if (!reader.accept('SET')) return syntaxFailure(reader.peek()?.value ?? 'ALTER');
  const wanted = readSettings(reader, warehouse.definition);
  if ('kind' in wanted) return wanted;
  await world.fleet.alter(warehouse, wanted.definition);
  return DONE;
}

type Settings = { readonly definition: WarehouseDefinition; readonly initiallySuspended: boolean };

/** `[WITH] NAME = value …`; settings that the model does not have are accepted and change nothing. */
function readSettings(
  reader: TokenReader,
  start: WarehouseDefinition,
): Settings | Exclude<Outcome, { kind: 'rows' }> {
  let definition = start;
  let initiallySuspended = false;
  reader.accept('WITH');
  while (!reader.atEnd) {
    const name = reader.next();
    if (name?.kind !== 'word' || !reader.accept('=')) return syntaxFailure(name?.value ?? 'SET');
    const value = reader.next()?.value ?? '';
    reader.accept(',');
    if (name.value === 'INITIALLY_SUSPENDED') initiallySuspended = isTrue(value);
    const changed = applySetting(definition, name.value, value);
    if (changed === undefined)
      return failure(
        '001008',
        '22023',
        `SQL compilation error:\ninvalid value [${value}] for parameter '${name.value}'`,
      );
    definition = changed;
  }
  return { definition, initiallySuspended };
}

function applySetting(
  definition: WarehouseDefinition,
  name: string,
  value: string,
): WarehouseDefinition | undefined {
  const number = value.toUpperCase() === 'NULL' ? 0 : Number(value);
  const isCount = Number.isSafeInteger(number) && number >= 0;
  switch (name) {
    case 'WAREHOUSE_SIZE': {
      const size = tryParseSize(value);
      return size === undefined ? undefined : { ...definition, size };
    }
    case 'AUTO_SUSPEND':
      return isCount ? { ...definition, autoSuspendSeconds: number } : undefined;
    case 'AUTO_RESUME':
      return { ...definition, autoResume: isTrue(value) };
    case 'MAX_CONCURRENCY_LEVEL':
      return isCount && number > 0 && number <= 1000
        ? { ...definition, maxConcurrency: number }
        : undefined;
    case 'STATEMENT_TIMEOUT_IN_SECONDS':
      return isCount ? { ...definition, statementTimeoutSeconds: number } : undefined;
    case 'COMMENT':
      return { ...definition, comment: value.slice(0, 1000) };
    default:
      return definition;
  }
}

function isTrue(value: string): boolean {
  return value.toUpperCase() === 'TRUE';
}
