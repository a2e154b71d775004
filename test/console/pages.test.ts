import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { ListedClose } from '../../console/finance-types.js';
import { monthRows } from '../../console/month-rows.js';
import { pathOfHash, placeOf, PLACES, placesOf } from '../../console/places.js';
import { nextSorting, sorted } from '../../console/sorting.js';
import { duration, monthName, monthOf, when } from '../../console/times.js';
import { PAGES } from './looked-at.js';

const NOW = Date.UTC(2026, 10, 26, 18, 0, 0);

test('what is no month in an address is shown as it is', () => {
  expect(monthName('2026-11')).toBe('November 2026');
  for (const typed of ['2026-13', '2026-00', '2026-1', 'october', ''])
    expect(monthName(typed)).toBe(typed);
});

test('an analyst sees no costs; the others do', () => {
  expect(placesOf('analyst').map(({ path }) => path)).not.toContain('/costs');
  for (const role of ['platform', 'finance', 'team-lead'] as const)
    expect(placesOf(role).map(({ path }) => path)).toContain('/costs');
});

test('the own sign-ins are a page of everybody, and none of the row of pages', () => {
  expect(placeOf('/sign-ins')?.roles).toHaveLength(4);
  for (const role of ['platform', 'finance', 'team-lead', 'analyst'] as const)
    expect(placesOf(role).map(({ path }) => path)).not.toContain('/sign-ins');
});

test('the page of a statement belongs to the statements', () => {
  expect(placeOf('/tickets/01a2')?.path).toBe('/tickets');
  expect(placeOf('/')?.path).toBe('/');
  expect(placeOf('/nothing')).toBeUndefined();
});

test.each([
  ['#/tickets/01a2-3', '/tickets/01a2-3'],
  ['#main', null],
  ['', null],
  ['#//elsewhere.example', null],
  ['#/a"onload="x', null],
])('the link %j leads to %j', (hash, path) => {
  expect(pathOfHash(hash)).toBe(path);
});

test('rows without a key come last, up and down; equal ones keep their order', () => {
  const rows = [
    { id: 'a', key: 2n },
    { id: 'b', key: null },
    { id: 'c', key: 10n },
    { id: 'd', key: 2n },
  ];
  const ids = (isDescending: boolean): string =>
    sorted(rows, ({ key }) => key, isDescending)
      .map(({ id }) => id)
      .join('');
  expect(ids(false)).toBe('adcb');
  expect(ids(true)).toBe('cadb');
});

test('names sort with their numbers', () => {
  const names = sorted(['team-10', 'team-9'], (name) => name, false);
  expect(names).toEqual(['team-9', 'team-10']);
});

test('a second click turns the order, and amounts begin with the largest', () => {
  const first = nextSorting({ column: '', isDescending: false }, 'Used', true);
  expect(first).toEqual({ column: 'Used', isDescending: true });
  expect(nextSorting(first, 'Used', true).isDescending).toBe(false);
  expect(nextSorting(first, 'Team', false)).toEqual({ column: 'Team', isDescending: false });
});

test('instants of today have their seconds, others their day, in the zone of who looks', () => {
  expect(when('2026-11-26T17:04:09.000Z', NOW, 'UTC')).toBe('17:04:09');
  expect(when('2026-11-26T17:04:09.000Z', NOW, 'Europe/Berlin')).toBe('18:04:09');
  expect(when('2026-11-24T18:04:09.000Z', NOW, 'UTC')).toBe('24 Nov, 18:04');
});

test('durations have two units at most', () => {
  expect([0, 61_000, 7_500_000, 4 * 86_400_000].map(duration)).toEqual([
    '0 s',
    '1 min',
    '2 h 5 min',
    '4 days',
  ]);
});

test('months are those of UTC and go back over the year', () => {
  expect(monthOf(NOW)).toBe('2026-11');
  expect(monthOf(NOW, -11)).toBe('2025-12');
  expect(monthName('2026-11')).toBe('November 2026');
});

test('months are for finance and platform, a lead has bills, an analyst neither', () => {
  const seen = (role: 'finance' | 'platform' | 'team-lead' | 'analyst'): readonly string[] =>
    placesOf(role)
      .map(({ path }) => path)
      .filter((path) => ['/months', '/bills', '/disputes'].includes(path));
  expect(seen('finance')).toEqual(['/months', '/disputes']);
  expect(seen('platform')).toEqual(['/months', '/disputes']);
  expect(seen('team-lead')).toEqual(['/bills', '/disputes']);
  expect(seen('analyst')).toEqual([]);
  expect(placeOf('/bills/marketing/2026-10')?.path).toBe('/bills');
});

test('open months are those since the last that was frozen, over the turn of a year too', () => {
  const january = Date.UTC(2027, 0, 5);
  expect(monthRows([], january).map(({ month }) => month)).toEqual([
    '2027-01',
    '2026-12',
    '2026-11',
  ]);
  const close: ListedClose = {
    month: '2026-12',
    version: 1,
    state: 'closed',
    closedAt: null,
    currency: 'USD',
    totalCredits: '1',
    totalAmount: '3',
    convertedTotals: [],
    openCount: 0,
    isSignedOff: false,
    steps: [],
  };
  expect(monthRows([close], january)).toEqual([
    { month: '2027-01', close: null },
    { month: '2026-12', close },
  ]);
  expect(monthRows([{ ...close, month: '2027-01' }], january)).toHaveLength(1);
});

test('every page is looked at in all colours and searched for other teams', () => {
  const looked = new Set(PAGES.map(([, path]) => placeOf(path)?.path));
  expect(PLACES.length).toBeGreaterThan(10);
  for (const { path } of PLACES) expect(looked, path).toContain(path);
  const shell = readFileSync(new URL('../../console/shell.tsx', import.meta.url), 'utf8');
  const routes = [...shell.matchAll(/<Route path="([^"]+)"/g)].map(([, path = '']) => path);
  expect(routes.length).toBeGreaterThan(10);
  for (const route of routes) expect(placeOf(route), route).toBeDefined();
});
