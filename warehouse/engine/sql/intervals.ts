/** INTERVAL constants ("Interval constants"): `INTERVAL '1 year, 3 days'`, `INTERVAL '2' HOUR`. */
import { StatementFailed, unsupported } from '../failures.js';
import { ADDABLE, datePart, isTimePart, type DatePart } from './functions/date-parts.js';
import { type Piece } from './pieces.js';
import { quoteText } from '#base/sql/token-values.js';

/** DuckDB's units, largest first: it adds months, then days, then time, whatever their order. */
const UNITS: readonly DatePart[] = ADDABLE.filter((part) => part !== 'NANOSECOND');

/**
 * The macro's call that stands for the constant whose INTERVAL is piece `at`, and the piece after it. Whole days are
 * told apart, as a DATE with them stays a DATE. Throws StatementFailed for a unit that is not known, or not in order.
 */
export function intervalAt(
  pieces: readonly Piece[],
  at: number,
): { readonly text: string; readonly to: number } {
  const unit = pieces[at + 2];
  const named = unit?.kind === 'word' ? datePart(unit.value) : undefined;
  const isNamed = named !== undefined && /^[+-]?\d+$/.test(pieces[at + 1]?.value ?? '');
  const value = `${pieces[at + 1]?.value ?? ''}${isNamed ? ` ${named}` : ''}`;
  const parts: { readonly count: string; readonly part: DatePart }[] = [];
  const pattern = /(?:\s*,)?\s*([+-]?\d+)\s*([a-z_]*)/giy;
  let end = 0;
  for (let match = pattern.exec(value); match !== null; match = pattern.exec(value)) {
    const name = match[2] === '' ? 'SECOND' : (match[2] ?? '');
    const part = datePart(name);
    if (part === undefined || !UNITS.includes(part))
      throw new StatementFailed(unsupported(`interval unit ${name}`));
    parts.push({ count: match[1] ?? '0', part });
    end = pattern.lastIndex;
  }
  if (parts.length === 0 || value.slice(end).trim() !== '')
    throw new StatementFailed(unsupported(`the interval '${value}'`));
  const places = parts.map(({ part }) => UNITS.indexOf(part));
  if (places.some((place, index) => index > 0 && place < (places[index - 1] ?? 0)))
    throw new StatementFailed(unsupported(`an interval with its units in this order: '${value}'`));
  const text = parts
    .map(({ count, part }) =>
      part === 'QUARTER' ? `${3 * Number(count)} MONTH` : `${Number(count)} ${part}`,
    )
    .join(' ');
  const isOfDays = parts.every(({ part }) => !isTimePart(part));
  return {
    text: `${isOfDays ? 'TG_DAYS' : 'TG_SPAN'}(${quoteText(text)})`,
    to: at + (isNamed ? 3 : 2),
  };
}
