/** INSERT … VALUES (?, …) with arrays of values: the values go into a temporary table, the statement selects from it. */
import { failure, StatementFailed, unsupported } from '../failures.js';
import type { EngineBind } from '../engine.js';
import { withIdentifiers, withPathCase } from '../sql/names-in-text.js';
import { closing, isSymbol, isWord, raw, type Piece } from '../sql/pieces.js';
import { plainBind, substitute } from '../sql/substitute.js';
import { withStageBinds } from '../stages/stage-binds.js';
import { filledTable } from '../statistics/provided.js';
import type { Running } from './reading.js';
import type { Session } from './session.js';

const BINDS_TABLE = 'array binds';

/** The statement's pieces; for array binds with VALUES replaced by a SELECT over the loaded values. */
export async function withArrayBinds(
  session: Session,
  running: Running,
): Promise<readonly Piece[]> {
  const { binds, bindStage } = running.request;
  if (bindStage !== undefined) {
    const staged = await withStageBinds(session, running.source, running.request, bindStage);
    running.staged.bytes += staged.bytes;
    return finished(running, staged.pieces);
  }
  const first = binds.find(({ value }) => typeof value === 'object' && value !== null);
  if (first === undefined) return running.pieces;
  const rows = (first.value as readonly unknown[]).length;
  const columns = binds.map((bind) => columnOf(bind, rows));
  const values = Array.from({ length: rows }, (_, row) =>
    columns.map(({ texts }) => texts[row] ?? null),
  );
  const names = columns.map((_, index) => ({ name: `B${index + 1}`, type: 'VARCHAR' }));
  await session.connection.run(filledTable(`TEMP TABLE "${BINDS_TABLE}"`, names, values));
  return selecting(
    running,
    columns.map(({ type }) => type),
  );
}

function columnOf(
  bind: EngineBind,
  rows: number,
): { readonly texts: readonly (string | null)[]; readonly type: string } {
  const values =
    typeof bind.value === 'object' && bind.value !== null
      ? bind.value
      : Array.from({ length: rows }, () => bind.value as string | null);
  if (values.length !== rows)
    throw new StatementFailed(failure('100132', 'P0000', 'Array binds of different lengths'));
  const plain = values.map((value) => (value === null ? null : plainBind(bind.type, value)));
  const scale =
    bind.type.toUpperCase() === 'FIXED'
      ? Math.max(0, ...plain.map((each) => each?.text.split('.')[1]?.length ?? 0))
      : 0;
  const type = plainBind(bind.type, null).type.replace('(38,0)', `(38,${scale})`);
  return { texts: plain.map((each) => each?.text ?? null), type };
}

/** `VALUES (a, ?)` becomes `SELECT a, CAST(B1 AS …) FROM binds`. */
function selecting(running: Running, types: readonly string[]): readonly Piece[] {
  const { source } = running;
  const at = source.findIndex(
    (_, index) => isWord(source, index, 'VALUES') && isSymbol(source, index + 1, '('),
  );
  const close = closing(source, at + 1);
  if (at < 0 || close !== source.length - 1)
    throw new StatementFailed(unsupported('array binds outside INSERT … VALUES'));
  let next = 0;
  const inside = source.slice(at + 2, close).map((piece) => {
    if (piece.kind !== 'bind') return piece;
    const named = /^:(\d+)$/.exec(piece.value);
    const index = named === null ? next++ : Number(named[1]) - 1;
    return raw(`CAST(B${index + 1} AS ${types[index] ?? 'VARCHAR'})`, piece);
  });
  const whole = [
    ...source.slice(0, at),
    raw('SELECT', source[at]),
    ...inside,
    raw(`FROM temp.main."${BINDS_TABLE}"`, source[close]),
  ];
  return finished(running, whole);
}

function finished({ request }: Running, pieces: readonly Piece[]): readonly Piece[] {
  return withIdentifiers(substitute(withPathCase(pieces, request.sql), request, new Date()));
}
