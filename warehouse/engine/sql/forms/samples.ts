/** SAMPLE and TABLESAMPLE (page "SAMPLE / TABLESAMPLE"): a share of the rows in percent, or a number of rows. */
import { StatementFailed, unsupported } from '../../failures.js';
import { closing, isSymbol, isWord, type Piece } from '../pieces.js';

const METHODS: Readonly<Record<string, string>> = {
  BERNOULLI: 'BERNOULLI',
  ROW: 'BERNOULLI',
  SYSTEM: 'SYSTEM',
  BLOCK: 'SYSTEM',
};
const ROWS_MAX = 1_000_000;

/**
 * DuckDB's text of the sampling clause at `index` and the piece after it; undefined when none stands there. Without
 * ROWS DuckDB would read `(10)` as ten rows, Snowflake as ten in a hundred. Throws StatementFailed for a size that is
 * no constant or out of its range.
 */
export function sampleAt(
  pieces: readonly Piece[],
  index: number,
): { readonly text: string; readonly to: number } | undefined {
  if (!isWord(pieces, index, 'SAMPLE') && !isWord(pieces, index, 'TABLESAMPLE')) return undefined;
  const named = METHODS[pieces[index + 1]?.value ?? ''];
  const open = named === undefined ? index + 1 : index + 2;
  if (!isSymbol(pieces, open, '(')) return undefined;
  const close = closing(pieces, open);
  const isRows = isWord(pieces, close - 1, 'ROWS');
  const size = pieces[open + 1];
  const amount = Number(size?.text);
  const isConstant = close - open === (isRows ? 3 : 2) && Number.isFinite(amount);
  if (!isConstant) throw new StatementFailed(unsupported('a sample of this size'));
  if (amount < 0 || amount > (isRows ? ROWS_MAX : 100))
    throw new StatementFailed(unsupported('a sample of this size'));
  if (isRows && named === 'SYSTEM')
    throw new StatementFailed(unsupported('SYSTEM sampling of a number of rows'));
  const method = isRows ? 'RESERVOIR' : (named ?? 'BERNOULLI');
  const unit = isRows ? 'ROWS' : 'PERCENT';
  const seed = seedAt(pieces, close + 1);
  const text = `TABLESAMPLE ${method} (${size?.text ?? ''} ${unit})`;
  return seed === undefined
    ? { text, to: close + 1 }
    : { text: `${text} REPEATABLE (${seed.value})`, to: seed.to };
}

function seedAt(
  pieces: readonly Piece[],
  at: number,
): { readonly value: string; readonly to: number } | undefined {
  if (!isWord(pieces, at, 'SEED') && !isWord(pieces, at, 'REPEATABLE')) return undefined;
  const value = pieces[at + 2]?.text ?? '';
  if (!isSymbol(pieces, at + 3, ')') || !/^\d{1,10}$/.test(value))
    throw new StatementFailed(unsupported('a sample with this seed'));
  return { value, to: at + 4 };
}
