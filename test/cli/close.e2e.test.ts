/** `tollgate close` against an API that answers as it is told: which steps it sends, what it prints, how it exits. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { main } from '../../cli/main.js';
import { recordedTerminal } from './recorded-terminal.js';

let server: Server;
let asked: string[] = [];
/** What the month is after each call. */
let states: string[] = [];
let more: object = {};

const CLOSE = {
  month: '2026-10',
  version: 1,
  currency: 'USD',
  closedAt: null,
  totalCredits: '3.000000000000',
  totalAmount: '9.000000000000',
  convertedTotals: [],
  roundingTeam: 'platform',
  merkleRoot: 'a'.repeat(64),
  approvalsNeeded: 1,
  approvals: [],
  problems: [],
  reconciliation: {
    meteredCredits: '3.000000000000',
    allocatedCredits: '3.000000000000',
    differenceCredits: '0.000000000000',
    computedAmount: '9.000000000000',
    invoicedAmount: null,
    differenceAmount: null,
    open: [],
    openCount: 0,
    signedOff: null,
  },
  bills: [
    {
      team: 'marketing',
      costCentre: 'CC-1010',
      mode: 'chargeback',
      totalCredits: '3.000000000000',
      totalAmount: '9.000000000000',
      conversion: null,
    },
  ],
};

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      asked.push(
        `${request.method ?? ''} ${(request.url ?? '').replace('/api/v1', '')} ${body}`.trim(),
      );
      response.end(JSON.stringify({ ...CLOSE, state: states.shift(), ...more }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => new Promise((resolve) => server.close(resolve)));
beforeEach(() => {
  [asked, states, more] = [[], [], {}];
  for (const name of Object.keys(process.env))
    if (name.startsWith('TOLLGATE_')) vi.stubEnv(name, undefined);
  vi.stubEnv('TOLLGATE_ADMIN_PORT', String((server.address() as AddressInfo).port));
  vi.stubEnv('TOLLGATE_ADMIN_TOKEN', 'secret-token');
});
afterEach(() => vi.unstubAllEnvs());

async function run(
  ...args: string[]
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const terminal = recordedTerminal();
  const code = await main(['close', ...args], terminal);
  return { code, out: terminal.out(), err: terminal.err() };
}

test('an open month is frozen and put into review; who is next is said', async () => {
  states = ['open', 'softClosed', 'inReview'];
  const { code, out } = await run('2026-10', '--reason', 'October');
  expect(code).toBe(0);
  expect(asked).toEqual([
    'GET /closes/2026-10',
    'POST /closes/2026-10/freeze {"reason":"October"}',
    'POST /closes/2026-10/propose {"reason":"October"}',
  ]);
  expect(out).toBe(
    [
      '2026-10 is in review, version 1.',
      '',
      'team       cost centre  mode        credits  owed (USD)',
      '─────────  ───────────  ──────────  ───────  ──────────',
      'marketing  CC-1010      chargeback     3.00        9.00',
      'total                                  3.00        9.00',
      '',
      'Reconciliation',
      "         ours  Snowflake's   difference",
      '───────  ────  ────────────  ────────────',
      'credits  3.00  3.00          0.00',
      'USD      9.00  not imported  not imported',
      "No hour or day differs from Snowflake's credits; its money is not imported, so no amount is held against it yet.",
      '',
      `Merkle root ${'a'.repeat(64)}`,
      '',
      'Next: another person approves it (tollgate close 2026-10 --approve).',
    ].join('\n'),
  );
});

test('bills in currencies of their teams stand in both, and the total says how much of it is owed in which', async () => {
  const converted = (
    team: string,
    totalAmount: string,
    currency: string,
    amount: string,
  ): object => ({
    ...CLOSE.bills[0],
    team,
    totalAmount,
    conversion: { currency, amount },
  });
  states = ['closed'];
  more = {
    totalAmount: '1020.000000000000',
    bills: [
      ...CLOSE.bills,
      converted('sales', '1000.000000000000', 'JPY', '149505'),
      converted('risk', '11.000000000000', 'KWD', '3.379'),
    ],
    convertedTotals: [
      { currency: 'JPY', amount: '149505', invoicedAmount: '1000.000000000000' },
      { currency: 'KWD', amount: '3.379', invoicedAmount: '11.000000000000' },
    ],
  };
  const { out } = await run('2026-10', '--dry-run');
  expect(out.split('\n').slice(2, 10)).toEqual([
    'team          cost centre  mode        credits  owed (USD)  owed as',
    '────────────  ───────────  ──────────  ───────  ──────────  ───────────',
    'marketing     CC-1010      chargeback     3.00        9.00',
    'sales         CC-1010      chargeback     3.00     1000.00  149,505 JPY',
    'risk          CC-1010      chargeback     3.00       11.00  3.379 KWD',
    'total                                     3.00     1020.00',
    'of it in JPY                                       1000.00  149,505 JPY',
    'of it in KWD                                         11.00  3.379 KWD',
  ]);
});

test('what agrees is said, and whether a difference of the sums is rounding', async () => {
  const said = async (reconciliation: object): Promise<string> => {
    states = ['open'];
    more = { reconciliation: { ...CLOSE.reconciliation, ...reconciliation } };
    const { out } = await run('2026-10', '--dry-run');
    return out.slice(out.indexOf('No hour or day'), out.indexOf('\n\nMerkle'));
  };
  const both =
    "No hour or day differs from Snowflake's credits, and no service's day from its money.";
  const equal = { invoicedAmount: '9.000000000000', differenceAmount: '0.000000000000' };
  expect(await said(equal)).toBe(both);
  const rounded = { invoicedAmount: '8.973200000000', differenceAmount: '-0.026800000000' };
  expect((await said(rounded)).split('\n')).toEqual([
    both,
    'The difference of -0.0268 USD is rounding, as Snowflake invoices figures that it has rounded.',
    'Bills sum to the invoice all the same: whole units of it are the line "Rounding to the invoice" of team platform (organisation.closing.roundingTeam; where it names none, the first team).',
  ]);
  const unmetered = { ...rounded, differenceCredits: '-0.500000000000' };
  expect((await said(unmetered)).split('\n')).toEqual([
    both,
    'The difference of -0.50 credits is of what is not metered, or not allocated, yet.',
  ]);
});

test('the last approval closes it; one that is not the last does not', async () => {
  states = ['approved', 'closed'];
  expect((await run('2026-10', '--approve')).out).toMatch(/^2026-10 is closed/);
  expect(asked).toEqual(['POST /closes/2026-10/approve {}', 'POST /closes/2026-10/close {}']);
  [asked, states] = [[], ['inReview']];
  await run('2026-10', '--approve');
  expect(asked).toEqual(['POST /closes/2026-10/approve {}']);
});

test('a dry run sends nothing, names what is missing, and fails while something is', async () => {
  states = ['open', 'open'];
  expect((await run('2026-10', '--dry-run')).code).toBe(0);
  more = {
    version: 0,
    problems: [
      {
        subject: 'demo',
        why: '3 warehouse-hours not allocated',
        wayOut: 'tollgate import allocates them',
      },
    ],
  };
  const { code, out } = await run('2026-10', '--dry-run');
  expect(code).toBe(1);
  expect(out).toContain(
    '  demo: 3 warehouse-hours not allocated\n    tollgate import allocates them',
  );
  expect(asked).toEqual(['GET /closes/2026-10', 'GET /closes/2026-10']);
});

test('what is no month, and steps that do not go together, are wrong usage', async () => {
  expect((await run('october')).code).toBe(2);
  const both = await run('2026-10', '--approve', '--freeze');
  expect([both.code, both.err]).toEqual([
    2,
    'tollgate: --freeze and --approve cannot stand together.',
  ]);
  expect((await run()).code).toBe(2);
  expect(asked).toEqual([]);
});

test('adjustments and disputes go by verbs of their own', async () => {
  more = {
    adjustment: {
      id: '7',
      creditedTeam: 'marketing',
      debitedTeam: 'platform',
      amount: '120.500000000000',
      currency: 'USD',
      corrects: { month: '2026-10' },
      state: 'waiting',
      bookedIn: null,
      proposedBy: 'ann',
      reason: 'backfill',
    },
  };
  const adjusted = await run(
    'adjust',
    'marketing',
    '120.50',
    '--on',
    'platform',
    '--corrects',
    '2026-10',
    '--reason',
    'backfill',
  );
  expect(adjusted.out).toBe(
    'Adjustment 7: 120.50 USD off marketing, borne by platform. Another person approves it: tollgate close decide 7 --approve --reason "<why>"',
  );
  await run('decide', '7', '--decline', '--reason', 'no');
  await run('resolve', '3', '--accept', '--on', 'platform', '--reason', 'yes');
  expect(asked).toEqual([
    'POST /adjustments {"creditedTeam":"marketing","amount":"120.50","reason":"backfill","debitedTeam":"platform","corrects":{"month":"2026-10"}}',
    'POST /adjustments/7/decision {"decision":"declined","reason":"no"}',
    'POST /disputes/3/decision {"outcome":"accepted","reason":"yes","debitedTeam":"platform"}',
  ]);
  expect((await run('decide', '7', '--reason', 'no')).code).toBe(2);
});
