/** Statements about stages and file formats that use no warehouse: they go to the engine at once and cost nothing. */
import { columnType } from '#base/wire/row-type.js';
import { STATEMENT_TYPES } from '#base/wire/codes.js';
import { contextOf } from '../statement/context.js';
import { rowsOf } from '../statement/outcome.js';
import type { Outcome } from '../statement/outcome.js';
import type { OwnWorld } from '../statement/own-world.js';
import type { Statement } from '../statement/statement.js';
import { TokenReader } from '../statement/tokens.js';
import type { Token } from '../statement/tokens.js';
import { transferRefusal } from './file-transfer.js';

const TRANSFERS: ReadonlySet<string> = new Set(['PUT', 'GET']);
const FILES: ReadonlySet<string> = new Set(['LIST', 'LS', 'REMOVE', 'RM']);

/** Whether the statement is one of these. COPY and SELECT … FROM @stage are not: they need a warehouse. */
export function isStageMetadata(tokens: readonly Token[]): boolean {
  const reader = new TokenReader(tokens);
  const verb = reader.next()?.value ?? '';
  if (TRANSFERS.has(verb) || FILES.has(verb)) return true;
  switch (verb) {
    case 'SHOW':
      return reader.accept('STAGES') || reader.accept('FILE', 'FORMATS');
    case 'CREATE':
      reader.accept('OR', 'REPLACE');
      reader.accept('SCOPED');
      reader.acceptOne('TEMP', 'TEMPORARY', 'VOLATILE');
      return reader.accept('STAGE') || reader.accept('FILE', 'FORMAT');
    case 'ALTER':
    case 'DROP':
    case 'DESC':
    case 'DESCRIBE':
      return reader.accept('STAGE') || reader.accept('FILE', 'FORMAT');
    default:
      return false;
  }
}

/** Runs it on the session's engine connection; a PUT or GET that the client cannot carry out is refused before. */
export async function stageMetadata(
  world: OwnWorld,
  statement: Statement,
  sql: string,
  tokens: readonly Token[],
): Promise<Outcome> {
  const { session, request } = statement;
  const isTransfer = TRANSFERS.has(tokens[0]?.value ?? '');
  if (request.describeOnly)
    return rowsOf(
      [columnType('status', 'text')],
      [],
      isTransfer ? STATEMENT_TYPES.put : STATEMENT_TYPES.show,
    );
  const refused = isTransfer ? transferRefusal(session, request.isLocal === true, sql) : undefined;
  if (refused !== undefined) return refused;
  const engine = await world.sessions.engineSession(session);
  const context = contextOf(session, world.clock.now(), sql);
  return await engine.execute(
    {
      sql,
      database: session.database,
      schema: session.schema,
      binds: request.binds,
      context: { ...context, CLOCK_SCALE: String(world.clock.scale) },
      result: () => undefined,
    },
    statement.abort.signal,
  );
}
