/** LIKE, IN, STARTS WITH and LIMIT of SHOW STAGES and SHOW FILE FORMATS. */
import { StatementFailed, syntaxError } from '../failures.js';
import type { StatementRequest } from '../process/messages.js';
import { isWord, type Piece } from '../sql/pieces.js';
import type { FullName } from '../sql/resolve.js';
import { nameAt } from './named-objects.js';

export interface Shown {
  isShown(full: FullName): boolean;
  readonly limit: number;
}

const ROWS_MAX = 10_000;

/** Reads the clauses from piece `from`; without IN the scope is the current schema or database, or the account. */
export function shownObjects(
  pieces: readonly Piece[],
  from: number,
  request: StatementRequest,
): Shown {
  let at = from;
  let like: string | undefined;
  let start = '';
  let limit = ROWS_MAX;
  let scope: { readonly database: string | null; readonly schema: string | null } = request;
  while (at < pieces.length) {
    if (isWord(pieces, at, 'LIKE')) {
      like = pieces[at + 1]?.value ?? '';
      at += 2;
    } else if (isWord(pieces, at, 'STARTS') && isWord(pieces, at + 1, 'WITH')) {
      start = pieces[at + 2]?.value ?? '';
      at += 3;
    } else if (isWord(pieces, at, 'LIMIT') && pieces[at + 1]?.kind === 'number') {
      limit = Number(pieces[at + 1]?.value);
      at += 2;
    } else if (isWord(pieces, at, 'IN')) {
      const read = scopeAt(pieces, at + 1, request);
      scope = read.scope;
      at = read.to;
    } else
      throw new StatementFailed(
        syntaxError(request.sql, pieces[at]?.start ?? -1, pieces[at]?.value ?? ''),
      );
  }
  return {
    limit,
    isShown: (full) =>
      (scope.database ?? full.database) === full.database &&
      (scope.schema ?? full.schema) === full.schema &&
      (like === undefined || isLike(like, full.name)) &&
      full.name.startsWith(start),
  };
}

function scopeAt(
  pieces: readonly Piece[],
  at: number,
  request: StatementRequest,
): {
  readonly scope: { readonly database: string | null; readonly schema: string | null };
  readonly to: number;
} {
  if (isWord(pieces, at, 'ACCOUNT')) return { scope: { database: null, schema: null }, to: at + 1 };
  const isDatabase = isWord(pieces, at, 'DATABASE');
  const hasKind = isDatabase || isWord(pieces, at, 'SCHEMA');
  if (hasKind && !['word', 'quoted'].includes(pieces[at + 1]?.kind ?? ''))
    return {
      scope: { database: request.database, schema: isDatabase ? null : request.schema },
      to: at + 1,
    };
  const { parts, to } = nameAt(pieces, hasKind ? at + 1 : at, request.sql);
  const last = parts.at(-1) ?? null;
  return {
    scope: isDatabase
      ? { database: last, schema: null }
      : { database: parts.at(-2) ?? request.database, schema: last },
    to,
  };
}

/** Whether `text` is LIKE `pattern`, without regard to case; at most the product of both lengths in steps. */
export function isLike(pattern: string, text: string): boolean {
  const wanted = Array.from(pattern.toUpperCase());
  const given = Array.from(text.toUpperCase());
  let at = 0;
  let next = 0;
  let star = -1;
  let resume = 0;
  while (at < given.length) {
    if (wanted[next] === '%') {
      star = next;
      resume = at;
      next += 1;
    } else if (next < wanted.length && (wanted[next] === '_' || wanted[next] === given[at])) {
      at += 1;
      next += 1;
    } else if (star >= 0) {
      resume += 1;
      at = resume;
      next = star + 1;
    } else return false;
  }
  while (wanted[next] === '%') next += 1;
  return next === wanted.length;
}
