import { expect, test } from 'vitest';
import { NO_CREDITS, NO_MONEY } from '../../base/units.js';
import { billToCsv } from '../../billing/bill.js';

test.each([
  ['a,b', '"a,b"'],
  ['say "x"', '"say ""x"""'],
  ['two\r\nlines', '"two\r\nlines"'],
  ['=1+1', "'=1+1"],
  ['+1', "'+1"],
  ['-x', "'-x"],
  ['@SUM(A1)', "'@SUM(A1)"],
  ['\t=1', "'\t=1"],
  ['\r=1,2', '"\'\r=1,2"'],
  ['-12.5', '-12.5'],
  ['plain', 'plain'],
])('the field %j is written %j', (text, field) => {
  const csv = billToCsv({
    status: 'provisional',
    team: text,
    month: '2026-07',
    currency: 'USD',
    lines: [],
    totalCredits: NO_CREDITS,
    totalMoney: NO_MONEY,
    provisionalCredits: NO_CREDITS,
    provisionalMoney: NO_MONEY,
  });
  expect(csv).toContain(`provisional,${field},2026-07,total`);
});
