import { expect, test } from 'vitest';
import { tryParseMonth } from '../../base/time.js';

test('a month by name is its days in UTC; other text is no month', () => {
  expect(tryParseMonth('2026-02')).toEqual({
    startsAt: Date.UTC(2026, 1, 1),
    endsAt: Date.UTC(2026, 2, 1),
  });
  for (const text of ['2026-13', '2026-2', '26-02', '2026-02-01', '', '2026-00'])
    expect(tryParseMonth(text), text).toBeUndefined();
});
