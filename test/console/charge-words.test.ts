import { expect, test } from 'vitest';
import * as paper from '../../billing/bills/charge-words.js';
import {
  DRIVER_WORDS,
  driverText,
  KIND_WORDS,
  kindText,
  withoutKey,
} from '../../console/charge-words.js';

test('the page calls kinds and drivers as the bill on paper does; one that it does not know, by itself', () => {
  expect(KIND_WORDS).toEqual(paper.KIND_WORDS);
  expect(DRIVER_WORDS).toEqual(paper.DRIVER_WORDS);
  expect([kindText('idle'), driverText('dag'), kindText('later')]).toEqual([
    'Idle warehouse time',
    'Workflow',
    'later',
  ]);
});

test('costs without a key are of nobody, or of no model, no run, no dashboard', () => {
  expect(['team', 'user', 'model', 'dashboard'].map(withoutKey)).toEqual([
    'of nobody',
    'of nobody',
    'no model',
    'no dashboard',
  ]);
});
