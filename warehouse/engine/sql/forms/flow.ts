/** The flow operator `->>` (page "Flow operators"): `$n` after FROM is the result of the n-th statement before. */
import { StatementFailed, unsupported } from '../../failures.js';
import { isSymbol, isWord, raw, type Piece } from '../pieces.js';

/** `pieces` of a chain as one query, each earlier statement in brackets where it is read. Throws for statements that are no queries. */
export function withFlow(pieces: readonly Piece[]): readonly Piece[] {
  if (!pieces.some(({ kind, value }) => kind === 'symbol' && value === '->>')) return pieces;
  const steps: Piece[][] = [[]];
  for (const piece of pieces) {
    if (piece.kind === 'symbol' && piece.value === '->>') steps.push([]);
    else steps.at(-1)?.push(piece);
  }
  const done: (readonly Piece[])[] = [];
  for (const step of steps) {
    if (!isWord(step, 0, 'SELECT') && !isWord(step, 0, 'WITH'))
      throw new StatementFailed(
        unsupported('the flow operator with statements that are no queries'),
      );
    done.push(
      step.flatMap((piece, at) => {
        const isSource =
          isWord(step, at - 1, 'FROM') ||
          isWord(step, at - 1, 'JOIN') ||
          isSymbol(step, at - 1, ',');
        if (piece.kind !== 'variable' || !/^\d+$/.test(piece.value) || !isSource) return [piece];
        const earlier = done.at(-Number(piece.value));
        if (earlier === undefined)
          throw new StatementFailed(unsupported(`the flow operator's ${piece.text} here`));
        return [bracket('(', piece), ...earlier, bracket(')', undefined)];
      }),
    );
  }
  return done.at(-1) ?? pieces;
}

function bracket(symbol: '(' | ')', at: Piece | undefined): Piece {
  return { ...raw(symbol, at), kind: 'symbol' };
}
