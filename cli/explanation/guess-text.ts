/** Why an estimate is a guess, or partly one, and what would make it better. */
import { nameText } from '../../policies/rules/amount-text.js';
import type { PricedText } from '../../proxy/estimate.js';
import type { Explanation } from './explain.js';

const TABLES_NAMED_MAX = 3;

/** A sentence without its end; undefined where nothing is guessed. */
export function guessedText(explanation: Explanation, price: PricedText): string | undefined {
  const { facts, tablesWithoutStatistics } = explanation;
  const guessed = facts.statements.flatMap((each, index) =>
    price.estimateParts[index]?.basis === 'GUESS' ? [{ facts: each, index }] : [],
  );
  if (guessed.some((each) => each.facts.opaque))
    return 'what it does cannot be seen from its text, so several guesses of the tier are held';
  if (
    guessed.some(
      ({ facts: { unknown } }) => unknown.includes('tables') || unknown.includes('dynamic-name'),
    )
  )
    return 'which tables it touches is not known, so it is the guess of the tier';
  const paid = facts.statements.flatMap((_, index) =>
    price.estimateParts[index]?.basis === 'FREE' ? [] : (tablesWithoutStatistics[index] ?? []),
  );
  const missing = [...new Set(paid)];
  if (missing.length > 0) {
    const what =
      price.estimate.basis === 'GUESS'
        ? 'so it is the guess of the tier'
        : 'so a guess of the tier comes on top';
    return `sizes of ${namesText(missing)} are not known, ${what}; --statistics gives them`;
  }
  return guessed.length > 0 ? 'it reads no table, so it is the guess of the tier' : undefined;
}

function namesText(tables: readonly string[]): string {
  const names = tables.slice(0, TABLES_NAMED_MAX).map((table) => nameText(table, 160));
  const more = tables.length - names.length;
  return `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
