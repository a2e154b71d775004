/**
 * Forms of queries that DuckDB or the transpiler say otherwise, rewritten on the pieces before names are resolved. What
 * neither has is refused here, by its name, so that no other reading of the same words can slip through.
 */
import { StatementFailed, unsupported } from '../../failures.js';
import { closing, isSymbol, isWord, raw, syntax, type Piece } from '../pieces.js';
import { comparandStart } from '../operands.js';
import { withBareTables } from './bracketed-tables.js';
import { withJoins } from './joins.js';
import { opaque } from './opaque.js';
import { withPivots } from './pivots.js';
import { withRecursion } from './recursion.js';
import { sampleAt } from './samples.js';

/** The forms of `pieces` in DuckDB's words. Throws StatementFailed for those that cannot be kept. */
export function withForms(pieces: readonly Piece[]): readonly Piece[] {
  const whole = isWord(pieces, 0, 'VALUES')
    ? [...syntax('SELECT * FROM', pieces[0]), ...pieces]
    : pieces;
  refuseForeign(whole);
  return withSmallForms(withPivots(withJoins(withRecursion(withBareTables(whole)))));
}

function refuseForeign(pieces: readonly Piece[]): void {
  for (let index = 0; index < pieces.length; index += 1) {
    const feature = foreignAt(pieces, index);
    if (feature !== undefined) throw new StatementFailed(unsupported(feature));
  }
}

/** What stands at `index` that the engine has nothing for. */
function foreignAt(pieces: readonly Piece[], index: number): string | undefined {
  const isCall = isSymbol(pieces, index + 1, '(');
  const piece = pieces[index];
  switch (piece === undefined || piece.kind === 'quoted' ? '' : piece.text) {
    case '(':
      return isSymbol(pieces, index + 1, '+') && isSymbol(pieces, index + 2, ')')
        ? 'the outer join operator (+)'
        : undefined;
    case 'MATCH_RECOGNIZE':
      return isCall ? 'MATCH_RECOGNIZE' : undefined;
    case 'CHANGES':
      return isCall ? 'CHANGES' : undefined;
    case 'AT':
    case 'BEFORE': {
      const isTravel = ['OFFSET', 'TIMESTAMP', 'STATEMENT', 'STREAM'].some(
        (kind) => isWord(pieces, index + 2, kind) && isSymbol(pieces, index + 3, '=>'),
      );
      return isCall && isTravel ? 'time travel (AT, BEFORE)' : undefined;
    }
    case 'CONNECT':
      return isWord(pieces, index + 1, 'BY') ? 'CONNECT BY' : undefined;
    default:
      return undefined;
  }
}

/** SAMPLE, `* ILIKE`, ORDER BY ALL, LIKE ANY and LIKE ALL. */
function withSmallForms(pieces: readonly Piece[]): readonly Piece[] {
  const out: Piece[] = [];
  for (let index = 0; index < pieces.length; index += 1) {
    const piece = pieces[index];
    if (piece === undefined) break;
    const sample = sampleAt(pieces, index);
    if (sample !== undefined) {
      out.push(raw(sample.text, piece));
      index = sample.to - 1;
    } else if (isStarFilter(pieces, index)) {
      out.push(
        opaque(`* ILIKE '${(pieces[index + 2]?.value ?? '').replaceAll("'", "''")}'`, piece),
      );
      index += 2;
    } else if (isOrderByAll(pieces, index)) {
      out.push(opaque('ALL', piece));
    } else if (isQuantifiedLike(pieces, index)) {
      index = quantifiedLike(pieces, index, out);
    } else out.push(piece);
  }
  return out;
}

function isStarFilter(pieces: readonly Piece[], index: number): boolean {
  if (!isSymbol(pieces, index, '*') || !isWord(pieces, index + 1, 'ILIKE')) return false;
  const before = pieces[index - 1];
  const opensItem =
    before?.value === ',' || ['SELECT', 'DISTINCT', 'ALL'].includes(before?.value ?? '');
  if (!opensItem || pieces[index + 2]?.kind !== 'string') return false;
  const after = pieces[index + 3];
  if (after !== undefined && ['EXCLUDE', 'REPLACE', 'RENAME'].includes(after.value))
    throw new StatementFailed(unsupported(`* ILIKE with ${after.value}`));
  return true;
}

function isOrderByAll(pieces: readonly Piece[], index: number): boolean {
  return (
    isWord(pieces, index, 'ALL') &&
    isWord(pieces, index - 1, 'BY') &&
    isWord(pieces, index - 2, 'ORDER')
  );
}

function isQuantifiedLike(pieces: readonly Piece[], index: number): boolean {
  const isLike = isWord(pieces, index, 'LIKE') || isWord(pieces, index, 'ILIKE');
  const isQuantified = isWord(pieces, index + 1, 'ANY') || isWord(pieces, index + 1, 'ALL');
  return isLike && isQuantified && isSymbol(pieces, index + 2, '(');
}

/**
 * `x [NOT] LIKE ANY (a, b)`: the transpiler writes it as an OR without brackets around it, so they are put here.
 * Returns the index of the last piece read.
 */
function quantifiedLike(pieces: readonly Piece[], index: number, out: Piece[]): number {
  const close = closing(pieces, index + 2);
  if (isWord(pieces, index + 3, 'SELECT') || isWord(pieces, index + 3, 'WITH'))
    throw new StatementFailed(unsupported('LIKE ANY over a subquery'));
  const isNegated = out.at(-1)?.value === 'NOT';
  if (isNegated) out.pop();
  const operand = out.splice(comparandStart(out));
  out.push(...syntax(isNegated ? '( NOT (' : '( (', operand[0]), ...operand);
  out.push(...pieces.slice(index, index + 2));
  out.push(...withSmallForms(pieces.slice(index + 2, close + 1)), ...syntax(') )', undefined));
  return close;
}
