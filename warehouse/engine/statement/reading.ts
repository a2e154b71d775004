/** A statement's text as pieces, with what the session knows written in. */
import { STATEMENT_TYPES } from '#base/wire/codes.js';
import { failure, StatementFailed, syntaxError, unsupported } from '../failures.js';
import type { StatementRequest } from '../process/messages.js';
import { withFlow } from '../sql/forms/flow.js';
import { withIdentifiers, withPathCase } from '../sql/names-in-text.js';
import { isSymbol, toPieces, type Piece } from '../sql/pieces.js';
import { withPlainWords } from '../sql/plain-words.js';
import { substitute } from '../sql/substitute.js';
import type { ResolvedMention } from '../sql/table-names.js';
import { STAGE_VERBS } from '../stages/stage-verbs.js';

/** A statement on its way: its text and what is known of it so far. */
export interface Running {
  readonly request: StatementRequest;
  readonly source: readonly Piece[];
  readonly pieces: readonly Piece[];
  mentions: readonly ResolvedMention[];
  /** Bytes of files that its array binds were read from; one count for all forms of the statement. */
  readonly staged: { bytes: number };
}

const TYPE_OF_VERB: Readonly<Record<string, number>> = {
  INSERT: STATEMENT_TYPES.insert,
  UPDATE: STATEMENT_TYPES.update,
  DELETE: STATEMENT_TYPES.delete,
  MERGE: STATEMENT_TYPES.merge,
  CREATE: STATEMENT_TYPES.ddl,
  DROP: STATEMENT_TYPES.ddl,
  ALTER: STATEMENT_TYPES.ddl,
  TRUNCATE: STATEMENT_TYPES.ddl,
  COMMENT: STATEMENT_TYPES.ddl,
  UNDROP: STATEMENT_TYPES.ddl,
  BEGIN: STATEMENT_TYPES.tcl,
  START: STATEMENT_TYPES.tcl,
  COMMIT: STATEMENT_TYPES.tcl,
  ROLLBACK: STATEMENT_TYPES.tcl,
};

/** The first keyword, past opening brackets. */
export function verbOf(pieces: readonly Piece[]): string {
  return pieces.find(({ kind }) => kind !== 'symbol')?.value ?? '';
}

/** `statementTypeId` of the reply to a statement that begins with `verb`. */
export function typeOfVerb(verb: string): number {
  return TYPE_OF_VERB[verb] ?? STAGE_VERBS[verb] ?? STATEMENT_TYPES.select;
}

const QUERY_VERBS: ReadonlySet<string> = new Set(['SELECT', 'WITH', 'VALUES']);

/** The name after CALL, with its database and schema as written. */
function calledName(source: readonly Piece[]): string {
  const open = source.findIndex(({ kind, value }) => kind === 'symbol' && value === '(');
  return source
    .slice(1, open < 0 ? source.length : open)
    .map(({ value }) => value)
    .join('');
}

/** Statements of Snowflake that are neither the server's nor the engine's. */
const FOREIGN_VERBS: ReadonlySet<string> = new Set(
  'CALL DECLARE EXECUTE GRANT REVOKE LET EXPLAIN'.split(' '),
);

/** Reads a statement's text; throws StatementFailed for what is none of Snowflake's, or none that the engine answers. */
export function readStatement(request: StatementRequest): Running {
  const all = toPieces(request.sql);
  if (!('length' in all)) throw new StatementFailed(syntaxError(request.sql, all.at, all.text));
  let end = all.length;
  while (end > 0 && isSymbol(all, end - 1, ';')) end -= 1;
  const source = withPlainWords(withFlow(all.slice(0, end)));
  const verb = verbOf(source);
  if (source.length === 0)
    throw new StatementFailed(
      failure('000900', '42601', 'SQL compilation error:\nEmpty SQL statement.'),
    );
  const first = source[0];
  if (first?.kind === 'word' && FOREIGN_VERBS.has(verb))
    throw new StatementFailed(
      verb === 'CALL'
        ? failure(
            '002140',
            '42601',
            `SQL compilation error:\nUnknown function ${calledName(source)}`,
          )
        : unsupported(verb === 'DECLARE' ? 'Snowflake Scripting blocks' : verb),
    );
  const isKnown =
    QUERY_VERBS.has(verb) || TYPE_OF_VERB[verb] !== undefined || STAGE_VERBS[verb] !== undefined;
  if (first !== undefined && !isKnown)
    throw new StatementFailed(
      syntaxError(
        request.sql,
        first.start,
        request.sql.slice(first.start, first.start + first.text.length),
      ),
    );
  const known = substitute(withPathCase(source, request.sql), request, new Date());
  return { request, source, pieces: withIdentifiers(known), mentions: [], staged: { bytes: 0 } };
}
