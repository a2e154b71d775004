/** USE, ALTER SESSION, SET and UNSET. */
import { STATEMENT_TYPES, WIRE_CODES } from '#base/wire/codes.js';
import { contextOf } from './context.js';
import { failure, missingObject, statusRow, syntaxFailure } from './outcome.js';
import type { Outcome } from './outcome.js';
import type { OwnWorld } from './own-statements.js';
import { coerceParameter, isAutocommit } from './parameters.js';
import type { ParameterValue } from './parameters.js';
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
    const name = reader.acceptName()?.[0] ?? 'NONE';
    session.secondaryRoles = name;
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

function alterSession(session: Session, reader: TokenReader): Outcome {
  const changes = new Map<string, ParameterValue>();
  while (!reader.atEnd) {
    const name = reader.next();
    if (name?.kind !== 'word' || !reader.accept('=')) return syntaxFailure(name?.value ?? 'SET');
    const value = readValue(reader);
    if (value === undefined) return syntaxFailure(name.value);
    changes.set(name.value, coerceParameter(name.value, value));
    reader.accept(',');
  }
  if (changes.size === 0) return syntaxFailure('SET');
  for (const [name, value] of changes) session.parameters.set(name, value);
  return statusRow(DONE, STATEMENT_TYPES.alterSession);
}

function unsetSession(session: Session, reader: TokenReader): Outcome {
  const names: string[] = [];
  while (!reader.atEnd) {
    const name = reader.next();
    if (name?.kind !== 'word') return syntaxFailure(name?.value ?? 'UNSET');
    names.push(name.value);
    reader.accept(',');
  }
  for (const name of names) session.parameters.delete(name);
  return statusRow(DONE, STATEMENT_TYPES.alterSession);
}

function readValue(reader: TokenReader): ParameterValue | undefined {
  const sign = reader.accept('-') ? '-' : '';
  const token = reader.next();
  if (token === undefined) return undefined;
  if (token.kind === 'number') return Number(sign + token.value);
  if (token.kind === 'word' && (token.value === 'TRUE' || token.value === 'FALSE'))
    return token.value === 'TRUE';
  return token.kind === 'mark' ? undefined : token.value;
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
