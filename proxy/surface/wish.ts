/** The third argument of REQUEST: what is asked for beyond one run of the statement. */
import { tryParseCredits, tryParseMoney } from '#base/units.js';
import { type AskedWish, HOURS_MAX, NO_WISH, RUNS_MAX } from '#billing/requests.js';
import { FormError } from './query.js';

const WISH_CHARACTERS_MAX = 200;
const HOURS: Readonly<Record<string, number>> = {
  h: 1,
  hour: 1,
  d: 24,
  day: 24,
  w: 168,
  week: 168,
};
const FORMS =
  "'250 USD', '12.5 credits', '5 runs', '3 days', 'shape', several of them with commas, or 'withdraw'";

/** Reads `250 USD, 5 runs, 3 days, shape`, or `withdraw`. Throws FormError, naming what is not understood. */
export function readWish(text: string): AskedWish | 'withdraw' {
  if (text.length > WISH_CHARACTERS_MAX)
    throw new FormError(`What is wanted must be at most ${WISH_CHARACTERS_MAX} characters`);
  const words = text.split(',').map((word) => word.trim());
  if (words.length === 1 && /^withdraw$/i.test(words[0] ?? '')) return 'withdraw';
  let wish: AskedWish = NO_WISH;
  for (const word of words) wish = { ...wish, ...partOf(word) };
  return wish;
}

function partOf(word: string): Partial<AskedWish> {
  if (/^(this )?shape$/i.test(word)) return { isForShape: true };
  const [, number = '', unit = ''] = /^([\d.]{1,40}) ?([a-z]{1,10})$/i.exec(word) ?? [];
  const name = unit.toLowerCase().replace(/(?<=.)s$/, '');
  if (name === 'run') return { runs: whole(number, RUNS_MAX, word) };
  const hours = HOURS[name];
  if (hours !== undefined)
    return { hours: whole(number, Math.floor(HOURS_MAX / hours), word) * hours };
  const amount = positive(number, word);
  if (name === 'credit') return { credits: amount.credits, money: null };
  if (/^[a-z]{3}$/i.test(unit))
    return { credits: null, money: { amount: amount.money, currency: unit.toUpperCase() } };
  throw notUnderstood(word);
}

function whole(text: string, max: number, word: string): number {
  const number = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > max)
    throw new FormError(`"${word}" must have a whole number from 1 to ${max}`);
  return number;
}

function positive(
  text: string,
  word: string,
): {
  readonly credits: NonNullable<AskedWish['credits']>;
  readonly money: NonNullable<AskedWish['money']>['amount'];
} {
  const [credits, money] = [tryParseCredits(text), tryParseMoney(text)];
  if (credits === undefined || money === undefined) throw notUnderstood(word);
  if (credits <= 0n) throw new FormError(`"${word.slice(0, 60)}" must be more than zero`);
  return { credits, money };
}

function notUnderstood(word: string): FormError {
  return new FormError(`"${word.slice(0, 60)}" is not understood; write ${FORMS}`);
}
