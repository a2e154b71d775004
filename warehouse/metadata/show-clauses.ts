/** What a SHOW says after its kind of object: LIKE, IN, STARTS WITH, LIMIT. */
import type { Session } from '../identity/sessions.js';
import type { TokenReader } from '../statement/tokens.js';

/** What follows the kind of object. */
export interface ShowClauses {
  readonly isTerse: boolean;
  readonly like: string | undefined;
  readonly startsWith: string | undefined;
  /** `LIMIT n FROM '…'`: names behind this one. */
  readonly after: string | undefined;
  /** Database, schema and table that IN names; undefined parts are not limited. */
  readonly scope: {
    readonly database: string | null;
    readonly schema: string | null;
    readonly table: string | null;
  };
  readonly limit: number | undefined;
}

/** The clauses up to the end; undefined when something else stands there. Without IN the session's scope counts. */
export function readClauses(
  reader: TokenReader,
  session: Session,
  isTerse: boolean,
  kind: string,
): ShowClauses | undefined {
  let like: string | undefined;
  let startsWith: string | undefined;
  let after: string | undefined;
  let limit: number | undefined;
  let scope: ShowClauses['scope'] | undefined;
  reader.accept('HISTORY');
  for (;;) {
    if (reader.atEnd) break;
    if (reader.accept('LIKE')) like = reader.next()?.value;
    else if (reader.accept('STARTS', 'WITH')) startsWith = reader.next()?.value;
    else if (reader.accept('LIMIT')) limit = Number(reader.next()?.value);
    else if (reader.accept('FROM')) after = reader.next()?.value;
    else if (reader.accept('IN')) scope = readScope(reader, session, kind);
    else return undefined;
  }
  return { isTerse, like, startsWith, after, limit, scope: scope ?? defaultScope(session, kind) };
}

function defaultScope(session: Session, kind: string): ShowClauses['scope'] {
  const schema = kind === 'SCHEMAS' ? null : session.schema;
  return { database: session.database, schema, table: null };
}

function readScope(reader: TokenReader, session: Session, kind: string): ShowClauses['scope'] {
  if (reader.accept('ACCOUNT') || reader.accept('SESSION'))
    return { database: null, schema: null, table: null };
  const word = reader.acceptOne('DATABASE', 'SCHEMA', 'TABLE', 'VIEW');
  const name = reader.acceptName() ?? [];
  const last = name.at(-1) ?? null;
  if (word === 'DATABASE') return { database: last ?? session.database, schema: null, table: null };
  if (word === 'TABLE' || word === 'VIEW' || (word === undefined && kind === 'COLUMNS'))
    return {
      database: name.at(-3) ?? session.database,
      schema: name.at(-2) ?? (name.length > 2 ? null : session.schema),
      table: last,
    };
  if (word === 'SCHEMA' || name.length > 1)
    return {
      database: name.at(-2) ?? session.database,
      schema: last ?? session.schema,
      table: null,
    };
  return { database: last, schema: null, table: null };
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
