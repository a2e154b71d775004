/** The options of `explain` as a question; what is wrong with them is in test/cli/explain.e2e.test.ts. */
import { expect, test } from 'vitest';
import { readQuestion } from '../../../cli/explanation/question.js';
import { AT } from '../../policies/builders.js';

const nobody = () => Promise.reject(new Error('nobody is asked'));

test('the demo and its default tier stand in for what is not said', async () => {
  expect(await readQuestion('SELECT 1', { as: 'marketing_analyst' }, AT, nobody)).toMatchObject({
    sqlText: 'SELECT 1',
    account: 'demo',
    principal: { id: 'marketing_analyst' },
    team: { id: 'marketing' },
    warehouse: 'STANDARD_WH',
    names: { database: 'ANALYTICS', schema: 'PUBLIC' },
    controlSource: 'the demo',
    tables: { source: 'the demo' },
    at: AT,
  });
});

test('a Snowflake user is led to its principal by the mapping', async () => {
  expect(await readQuestion('SELECT 1', { as: 'TOLLGATE_SERVICE' }, AT, nobody)).toMatchObject({
    principal: { id: 'tollgate_service' },
    team: { id: 'platform' },
  });
});

test('an instant, a warehouse and names are taken as said; unquoted names fold', async () => {
  const options = {
    as: 'sales_analyst',
    at: '2026-11-26T22:00:00Z',
    warehouse: 'other_wh',
    database: 'raw',
    schema: '"Mixed"',
  };
  expect(await readQuestion('SELECT 1', options, AT, nobody)).toMatchObject({
    at: Date.UTC(2026, 10, 26, 22),
    warehouse: 'other_wh',
    names: { database: 'RAW', schema: 'Mixed' },
  });
});
