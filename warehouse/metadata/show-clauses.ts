/** What a SHOW says after its kind of object: LIKE, IN, STARTS WITH, LIMIT, HISTORY. */
import type { Session } from '../identity/sessions.js';
import type { OwnWorld } from '../statement/own-world.js';
import type { TokenReader } from '../statement/tokens.js';

/** What follows the kind of object. */
export interface ShowClauses {
  readonly isTerse: boolean;
  readonly like: string | undefined;
  readonly startsWith: string | undefined;
  /** `LIMIT n FROM '…'`: names behind this one. */
  readonly after: string | undefined;
  /** Database, schema and table that IN names; null parts are not limited. */
  readonly scope: Scope;
  readonly limit: number | undefined;
  /** IN names a database or a schema that does not exist. */
  readonly isMissing: boolean;
}

interface Scope {
  readonly database: string | null;
  readonly schema: string | null;
  readonly table: string | null;
}

const ACCOUNT: Scope = { database: null, schema: null, table: null };
const LIMIT_MAX = 10_000;

/** The clauses up to the end; undefined when something else stands there. Without IN the session's scope counts. */
export async function readClauses(
  world: Pick<OwnWorld, 'engine'>,
  reader: TokenReader,
  session: Session,
  isTerse: boolean,
  kind: string,
): Promise<ShowClauses | undefined> {
  let like: string | undefined;
  let startsWith: string | undefined;
  let after: string | undefined;
  let limit: number | undefined;
  let scope: Scope | undefined;
  reader.accept('HISTORY');
  while (!reader.atEnd) {
    if (reader.accept('LIKE')) like = readText(reader);
    else if (reader.accept('STARTS', 'WITH')) startsWith = readText(reader);
    else if (reader.accept('LIMIT')) {
      limit = readLimit(reader);
      if (limit === undefined) return undefined;
    } else if (reader.accept('FROM')) after = readText(reader);
    else if (reader.accept('ROOT', 'ONLY')) continue;
    else if (reader.accept('IN')) scope = await readScope(world, reader, session, kind);
    else return undefined;
  }
  return {
    isTerse,
    like,
    startsWith,
    after,
    limit,
    scope: scope ?? defaultScope(session, kind),
    isMissing: scope !== undefined && !(await exists(world, scope)),
  };
}

function readText(reader: TokenReader): string | undefined {
  return reader.peek()?.kind === 'string' ? reader.next()?.value : undefined;
}

function readLimit(reader: TokenReader): number | undefined {
  const token = reader.next();
  const limit = Number(token?.value);
  return token?.kind === 'number' && limit >= 1 && limit <= LIMIT_MAX ? limit : undefined;
}

function defaultScope(session: Session, kind: string): Scope {
  const schema = kind === 'SCHEMAS' ? null : session.schema;
  return { database: session.database, schema, table: null };
}

async function readScope(
  world: Pick<OwnWorld, 'engine'>,
  reader: TokenReader,
  session: Session,
  kind: string,
): Promise<Scope> {
  if (reader.accept('ACCOUNT') || reader.accept('SESSION')) return ACCOUNT;
  const word = reader.acceptOne('DATABASE', 'SCHEMA', 'TABLE', 'VIEW');
  const isAnotherClause = /^(?:LIKE|STARTS|LIMIT)$/.test(reader.peek()?.value ?? '');
  const name = isAnotherClause ? [] : (reader.acceptName() ?? []);
  const last = name.at(-1) ?? null;
  const inDatabase = (database: string | null): Scope => ({ database, schema: null, table: null });
  if (word === 'DATABASE') return inDatabase(last ?? session.database);
  if (word === 'TABLE' || word === 'VIEW' || (word === undefined && kind === 'COLUMNS'))
    return {
      database: name.at(-3) ?? session.database,
      schema: name.at(-2) ?? session.schema,
      table: last,
    };
  if (kind === 'SCHEMAS') return inDatabase(last);
  const inSchema = {
    database: name.at(-2) ?? session.database,
    schema: last ?? session.schema,
    table: null,
  };
  // A lone name is a schema of the current database; where there is none, tools mean the database of that name.
  const isDatabase =
    word === undefined && name.length === 1 && !(await exists(world, inSchema)) && last !== null;
  return isDatabase ? inDatabase(last) : inSchema;
}

async function exists(world: Pick<OwnWorld, 'engine'>, scope: Scope): Promise<boolean> {
  const { database, schema } = scope;
  if (database === null) return true;
  if (!(await world.engine.databases()).includes(database)) return false;
  if (schema === null) return true;
  const schemas = await world.engine.schemas(database);
  return schemas.some((one) => one.database === database && one.name === schema);
}

/** SQL LIKE without case: `%` any text, `_` one character, backslash escapes. */
export function likePattern(like: string): RegExp {
  const body = like.replace(/\\([\s\S])|[\s\S]/g, (character, escaped: string | undefined) => {
    if (escaped !== undefined) return escapeRegExp(escaped);
    return character === '%'
      ? '[\\s\\S]*'
      : character === '_'
        ? '[\\s\\S]'
        : escapeRegExp(character);
  });
  return new RegExp(`^${body}$`, 'i');
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
