import { expect, test } from 'vitest';
import { SessionZones } from '../../../cli/replay/session-zones.js';
import type { ReplayRow } from '../../../cli/replay/row.js';
import { aRow } from './worlds.js';

function sent(text: string, changes: Partial<ReplayRow> = {}): ReplayRow {
  const drawn = { text, user: 'U', warehouse: null, client: null, queryTag: null, executionMs: 1 };
  return { ...aRow(1, 0, drawn), sessionId: '101', ...changes };
}

test('a session keeps the zone that it has set until it unsets it, and no other session has it', () => {
  const zones = new SessionZones();
  zones.ended(sent("ALTER SESSION SET TIMEZONE = 'Asia/Tokyo'"));
  expect(zones.of(sent('SELECT 1'))).toBe('Asia/Tokyo');
  expect(zones.of(sent('SELECT 1', { sessionId: '102' }))).toBeNull();
  expect(zones.of(sent('SELECT 1', { account: 'another' }))).toBeNull();
  zones.ended(sent("ALTER SESSION SET QUERY_TAG = 'a'"));
  expect(zones.of(sent('SELECT 1'))).toBe('Asia/Tokyo');
  zones.ended(sent('ALTER SESSION UNSET TIMEZONE'));
  expect(zones.of(sent('SELECT 1'))).toBeNull();
});

test('nothing is known of a session without its id, nor set by a statement that failed', () => {
  const zones = new SessionZones();
  const text = "ALTER SESSION SET TIMEZONE = 'Asia/Tokyo'";
  zones.ended(sent(text, { sessionId: null }));
  zones.ended(sent(text, { isSuccess: false }));
  zones.ended(sent('', { queryText: null }));
  expect(zones.of(sent('SELECT 1', { sessionId: null }))).toBeNull();
  expect(zones.of(sent('SELECT 1'))).toBeNull();
});
