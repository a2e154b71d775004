import { expect, test } from 'vitest';
import { ratesOf } from '../../cli/verbs/close-rates.js';

const HEAD = 'currency,rate,from_day,to_day,source';

test('a file of rates is read by the names of its columns, with and without a last day', () => {
  const text = `\uFEFFSource,Currency,Rate,From_day,To_day\r\n"ECB, 30 October",EUR,0.9213,2026-10-01,\r\nbook,JPY,149.5,2026-01-01,2026-12-31`;
  expect(ratesOf(text, 'rates.csv')).toEqual([
    { to: 'EUR', rate: '0.9213', fromDay: '2026-10-01', source: 'ECB, 30 October' },
    { to: 'JPY', rate: '149.5', fromDay: '2026-01-01', toDay: '2026-12-31', source: 'book' },
  ]);
  expect(ratesOf(`${HEAD}\n`, 'rates.csv')).toEqual([]);
});

test('a file without its columns, or cut off in a text, is refused by its name', () => {
  expect(() => ratesOf('currency,rate\nEUR,0.9\n', 'rates.csv')).toThrow(
    'rates.csv has no column from_day, source; its first line names currency, rate, from_day, to_day, source.',
  );
  expect(() => ratesOf('', 'rates.csv')).toThrow(/has no column/);
  expect(() => ratesOf(`${HEAD}\nEUR,0.9,2026-10-01,,"ECB`, 'rates.csv')).toThrow(/^rates\.csv: /);
});
