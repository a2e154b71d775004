/** USE, ALTER SESSION, ALTER ACCOUNT, SET and UNSET. */
import { STATEMENT_TYPES, WIRE_CODES } from '#base/wire/codes.js';
import type { EngineFailure } from '../engine/engine.js';
import { ACCOUNT, contextOf } from './context.js';
import { failure, missingObject, statusRow, syntaxFailure, unsupported } from './outcome.js';
import type { Outcome } from './outcome.js';
import type { OwnWorld } from './own-world.js';
import { PARAMETERS } from './parameter-table.js';
import { checkedParameter, isAutocommit } from './parameters.js';
import type { ParameterValue } from './parameters.js';
import { isAdministrator, notPrivileged } from '../identity/administration.js';
import { parameterOf, readNames, readProperties } from '../identity/properties.js';
import type { Session } from '../identity/sessions.js';
import type { Statement } from './statement.js';
import { TokenReader } from './tokens.js';
import type { Token } from './tokens.js';

const DONE = 'Statement executed successfully.';
const VARIABLES_MAX = 1000;

/** The answer, or undefined when the statement is none of these. */
export async function sessionStatement(
  world: OwnWorld,
  statement: Statement,
  sql: string,
  tokens: readonly Token[],
): Promise<Outcome | undefined> {
  const reader = new TokenReader(tokens);
  if (reader.accept('USE')) return use(world, statement.session, reader);
  if (reader.accept('ALTER', 'SESSION', 'SET'))
    return committing(world, statement, () => alterSession(statement.session, reader));
  if (reader.accept('ALTER', 'SESSION', 'UNSET'))
    return committing(world, statement, () => unsetSession(statement.session, reader));
  if (reader.accept('ALTER', 'ACCOUNT')) return alterAccount(world, statement.session, reader);
  if (reader.accept('SET')) return setVariables(world, statement, sql, reader, tokens);
  if (reader.accept('UNSET')) return unsetVariables(statement.session, reader);
  return undefined;
}

/** Changes parameters; where that switches autocommit on, the transaction that was open without it is committed. */
async function committing(
  world: OwnWorld,
  statement: Statement,
  change: () => Outcome,
): Promise<Outcome> {
  const { session } = statement;
  const before = new Map(session.parameters);
  const outcome = change();
  if (isAutocommit(before) || !isAutocommit(session.parameters)) return outcome;
  const engine = await world.sessions.engineSession(session);
  const { database, schema } = session;
  const request = {
    sql: 'COMMIT',
    database,
    schema,
    binds: [],
    context: {},
    result: () => undefined,
  };
  const committed = await engine.execute(request, statement.abort.signal);
  if (committed.kind !== 'failed') return outcome;
  for (const [name, value] of before) session.parameters.set(name, value);
  return committed;
}

async function use(world: OwnWorld, session: Session, reader: TokenReader): Promise<Outcome> {
  if (reader.accept('SECONDARY', 'ROLES')) {
    const wanted = reader.acceptOne('ALL', 'NONE');
    if (wanted === undefined || !reader.atEnd)
      return unsupported('USE SECONDARY ROLES with names of roles; say ALL or NONE');
    if (wanted === 'ALL' && session.roleLimit !== null)
      return notPrivileged('session', String(session.id));
    session.secondaryRoles = wanted;
    return statusRow(DONE, STATEMENT_TYPES.use);
  }
  const kind = reader.acceptOne('ROLE', 'WAREHOUSE', 'DATABASE', 'SCHEMA') ?? 'DATABASE';
  const name = reader.acceptName();
  const last = name?.at(-1);
  if (name === undefined || last === undefined || !reader.atEnd)
    return syntaxFailure(reader.peek()?.value ?? 'USE');
  switch (kind) {
    case 'ROLE':
      if (!session.user.roles.includes(last))
        return failure(
          WIRE_CODES.insufficientPrivileges,
          '42501',
          `Requested role '${last}' is not assigned to the executing user.`,
        );
      session.role = last;
      return statusRow(DONE, STATEMENT_TYPES.use);
    case 'WAREHOUSE':
      if (world.fleet.get(last) === undefined) return missingObject('Warehouse', last);
      session.warehouse = last;
      return statusRow(DONE, STATEMENT_TYPES.useWarehouse);
    case 'SCHEMA':
      return useSchema(
        world,
        session,
        name.length > 1 ? (name.at(-2) ?? null) : session.database,
        last,
      );
    default:
      return name.length > 1
        ? useSchema(world, session, name[0] ?? null, last)
        : useDatabase(world, session, last);
  }
}

async function useDatabase(world: OwnWorld, session: Session, name: string): Promise<Outcome> {
  if (!(await world.engine.databases()).includes(name)) return missingObject('Database', name);
  session.database = name;
  session.schema = 'PUBLIC';
  return statusRow(DONE, STATEMENT_TYPES.useDatabase);
}

async function useSchema(
  world: OwnWorld,
  session: Session,
  database: string | null,
  name: string,
): Promise<Outcome> {
  if (database === null)
    return failure(
      WIRE_CODES.noCurrentDatabase,
      '22000',
      "Cannot perform USE SCHEMA. This session does not have a current database. Call 'USE DATABASE', or use a qualified name.",
    );
  const known = await world.engine.schemas(database);
  if (!known.some((schema) => schema.name === name))
    return missingObject('Schema', `${database}.${name}`);
  session.database = database;
  session.schema = name;
  return statusRow(DONE, STATEMENT_TYPES.useSchema);
}

/** All of the parameters or, where one cannot be set, none. */
function alterSession(session: Session, reader: TokenReader): Outcome {
  const changes = checkedParameters(reader, 'SESSION');
  if ('kind' in changes) return changes;
  for (const [name, value] of changes) session.parameters.set(name, value);
  return statusRow(DONE, STATEMENT_TYPES.alterSession);
}

function checkedParameters(
  reader: TokenReader,
  owner: 'SESSION' | 'ACCOUNT',
): ReadonlyMap<string, ParameterValue> | EngineFailure {
  const properties = readProperties(reader);
  if ('kind' in properties) return properties;
  if (properties.length === 0) return syntaxFailure('SET');
  const changes = new Map<string, ParameterValue>();
  for (const property of properties) {
    const checked = checkedParameter(property.name, parameterOf(property), owner);
    if (checked.kind === 'failed') return checked;
    changes.set(property.name, checked.value);
  }
  return changes;
}

/** What the user or the account has set comes back; else the default of the system. */
function unsetSession(session: Session, reader: TokenReader): Outcome {
  const names = readNames(reader);
  if ('kind' in names) return names;
  const unknown = names.map(unknownParameter).find((one) => one !== undefined);
  if (unknown !== undefined) return unknown;
  for (const name of names) {
    const inherited = session.inherited.get(name);
    if (inherited === undefined) session.parameters.delete(name);
    else session.parameters.set(name, inherited.value);
  }
  return statusRow(DONE, STATEMENT_TYPES.alterSession);
}

function unknownParameter(name: string): EngineFailure | undefined {
  if (PARAMETERS.has(name)) return undefined;
  const checked = checkedParameter(name, '');
  return checked.kind === 'failed' ? checked : undefined;
}

/** `ALTER ACCOUNT SET|UNSET` of session parameters, by ACCOUNTADMIN, for sessions that are opened later. */
async function alterAccount(
  world: OwnWorld,
  session: Session,
  reader: TokenReader,
): Promise<Outcome> {
  if (!isAdministrator(world, session)) return notPrivileged('account', ACCOUNT);
  if (reader.accept('SET')) {
    const changes = checkedParameters(reader, 'ACCOUNT');
    if ('kind' in changes) return changes;
    await changeAccount(world, (set) => changes.forEach((value, name) => set.set(name, value)));
  } else if (reader.accept('UNSET')) {
    const names = readNames(reader);
    if ('kind' in names) return names;
    const unknown = names.map(unknownParameter).find((one) => one !== undefined);
    if (unknown !== undefined) return unknown;
    await changeAccount(world, (set) => names.forEach((name) => set.delete(name)));
  } else return unsupported('ALTER ACCOUNT other than SET and UNSET of session parameters');
  return statusRow(DONE, STATEMENT_TYPES.ddl);
}

function changeAccount(
  world: OwnWorld,
  change: (set: Map<string, ParameterValue>) => void,
): Promise<void> {
  return world.users.change((table) => {
    const set = new Map(Object.entries(table.accountParameters));
    change(set);
    return { ...table, accountParameters: Object.fromEntries(set) };
  });
}

/** `SET v = expr` and `SET (a, b) = (x, y)`: the engine computes the values. */
async function setVariables(
  world: OwnWorld,
  statement: Statement,
  sql: string,
  reader: TokenReader,
  tokens: readonly Token[],
): Promise<Outcome> {
  const { session } = statement;
  const names: string[] = [];
  const isList = reader.accept('(');
  do {
    const name = reader.acceptName()?.[0];
    if (name === undefined) return syntaxFailure(reader.peek()?.value ?? 'SET');
    names.push(name);
  } while (isList && reader.accept(','));
  if (isList && !reader.accept(')')) return syntaxFailure(reader.peek()?.value ?? 'SET');
  const equals = reader.peek();
  if (!reader.accept('=')) return syntaxFailure(equals?.value ?? 'SET');
  if (session.variables.size + names.length > VARIABLES_MAX)
    return failure('000002', '0A000', `A session may hold at most ${VARIABLES_MAX} variables.`);
  const end = tokens.at(-1)?.end ?? sql.length;
  const expression = sql.slice(equals?.end ?? 0, end).trim();
  const list =
    isList && expression.startsWith('(')
      ? expression.slice(1, expression.lastIndexOf(')'))
      : expression;
  const engine = await world.sessions.engineSession(session);
  const result = await engine.execute(
    {
      sql: `SELECT ${list}`,
      database: session.database,
      schema: session.schema,
      binds: statement.request.binds,
      context: contextOf(session, world.clock.now(), sql),
      result: () => undefined,
    },
    statement.abort.signal,
  );
  if (result.kind === 'failed') return result;
  const [row = []] = result.rows;
  if (result.stored !== undefined) world.engine.dropResult(result.stored.id);
  names.forEach((name, index) => session.variables.set(name, row[index] ?? null));
  return statusRow(DONE, STATEMENT_TYPES.alterSession);
}

function unsetVariables(session: Session, reader: TokenReader): Outcome {
  reader.accept('(');
  do {
    const name = reader.acceptName()?.[0];
    if (name === undefined) return syntaxFailure(reader.peek()?.value ?? 'UNSET');
    session.variables.delete(name);
  } while (reader.accept(','));
  return statusRow(DONE, STATEMENT_TYPES.alterSession);
}
