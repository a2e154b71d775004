import { expect, test } from 'vitest';
import { parseCredits } from '../../base/units.js';
import type { Credits } from '../../base/units.js';
import type { Settlement } from '../../billing/ledger.js';
import { absurdityOf } from '../../billing/quarantine.js';
import { NOON, buildSettlement, buildTicketId } from '../support/builders.js';

function absurdity(changes: Partial<Settlement>): string | null {
  return absurdityOf(buildSettlement(buildTicketId(), changes));
}

test.each<readonly [string, Partial<Settlement>, string]>([
  ['negative credits', { usedCredits: -1n as Credits }, 'less than nothing'],
  ['a billion credits', { usedCredits: parseCredits('1000000000') }, 'more than any statement'],
  ['negative seconds', { warehouseMs: -1 }, 'ran for -1 ms'],
  ['no number of seconds', { warehouseMs: Number.NaN }, 'ran for NaN ms'],
  ['endless seconds', { warehouseMs: Number.POSITIVE_INFINITY }, 'ran for Infinity ms'],
  ['a month on a warehouse', { warehouseMs: 30 * 86_400_000 }, 'longer than any can'],
  ['an end before its start', { startedAt: NOON, endedAt: NOON - 1 }, 'ended before it began'],
  ['an end that is no time', { endedAt: Number.NaN }, 'has no time'],
])('%s cannot be true', (_, changes, text) => {
  expect(absurdity(changes)).toContain(text);
});

test.each<readonly [string, Partial<Settlement>]>([
  ['nothing', { usedCredits: 0n as Credits, warehouseMs: 0, endedAt: NOON }],
  [
    'a week on the dearest warehouse',
    { usedCredits: parseCredits('129024'), warehouseMs: 7 * 86_400_000 },
  ],
])('%s can be true', (_, changes) => {
  expect(absurdity(changes)).toBeNull();
});
