/** The verbs against an API that records what it is asked; only the wire between them is looked at. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { main } from '../../cli/main.js';
import { recordedTerminal } from './recorded-terminal.js';

interface Asked {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly authorization: string | undefined;
  readonly key: unknown;
  readonly body: string;
}

let server: Server;
let dataDir: string;
let asked: Asked[] = [];
let answer: { status: number; body: string };

beforeAll(async () => {
  dataDir = mkdtempSync(path.join(tmpdir(), 'tollgate-cli-'));
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method, url, headers } = request;
      asked.push({
        method,
        url,
        authorization: headers.authorization,
        key: headers['idempotency-key'],
        body: Buffer.concat(chunks).toString(),
      });
      response.writeHead(answer.status).end(answer.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  rmSync(dataDir, { recursive: true });
});

beforeEach(() => {
  asked = [];
  answer = { status: 200, body: '{}' };
  for (const name of Object.keys(process.env)) {
    if (name.startsWith('TOLLGATE_')) vi.stubEnv(name, undefined);
  }
  vi.stubEnv('TOLLGATE_ADMIN_PORT', String((server.address() as AddressInfo).port));
  vi.stubEnv('TOLLGATE_ADMIN_TOKEN', 'secret-token');
  vi.stubEnv('TOLLGATE_DATA_DIR', dataDir);
});

afterEach(() => vi.unstubAllEnvs());

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const terminal = recordedTerminal();
  const code = await main(args, terminal);
  return { code, out: terminal.out(), err: terminal.err() };
}

describe('grant and what teams ask for', () => {
  const ticket = '019a0000-0000-7000-8000-000000000001';
  const pass = {
    ticketId: ticket,
    team: 'sales',
    principal: null,
    isForShape: true,
    passes: ['rule:no-star'],
    leftCredits: '4.500000000000',
    runsMax: null,
    usedRuns: 2,
    expiresAt: '2026-11-28T00:00:00.000Z',
  };
  const request = {
    ticketId: ticket,
    state: 'waiting',
    team: 'sales',
    principal: 'sales_analyst',
    reason: 'quarter end',
    wants: 'statement',
    passes: ['rule:no-star'],
    asked: { credits: '4.500000000000', runs: 2, hours: 72, shape: true },
    refusalCode: 'TG2101',
    needsCredits: '2.000000000000',
    needsAmount: '6.000000000000',
    currency: 'USD',
    budgetId: null,
    askedAt: '2026-11-26T09:30:00.000Z',
    decision: null,
    pass: null,
  };

  test('one line raises a budget in money until a day, and both amounts are told', async () => {
    answer.body = JSON.stringify({
      budgetId: 'data-science-monthly',
      credits: '83.333333333333',
      amount: '249.999999999999',
      currency: 'USD',
      endsAt: '2026-11-27T23:00:00.000Z',
      timeZone: 'Europe/Berlin',
      isReplayed: false,
    });
    const { code, out } = await run(
      'grant',
      'raise',
      'data-science',
      '250',
      'USD',
      '--until',
      'friday',
    );
    expect(code).toBe(0);
    expect(out).toBe(
      'Raised data-science-monthly by 83.333333333333 credits (250.00 USD) until Sat 28 Nov 2026 00:00 Europe/Berlin.',
    );
    expect(asked).toMatchObject([{ method: 'POST', url: '/api/v1/raises' }]);
    expect(asked[0]?.key).toMatch(/^[0-9a-f-]{36}$/);
    expect(JSON.parse(asked[0]?.body ?? '')).toEqual({
      budget: 'data-science',
      amount: '250.000000000000',
      currency: 'USD',
      until: 'friday',
      reason: 'raised on the command line',
    });
  });

  test('a request is approved with its terms, which stand behind the verb', async () => {
    answer.body = JSON.stringify({ request: { ...request, state: 'granted', pass } });
    const args = ['--amount', '12.5', '--runs', '3', '--until', '3d', '--shape', '--team'];
    const { code, out } = await run('grant', 'approve', ticket, ...args, '--reason', 'fine');
    expect(code).toBe(0);
    expect(out).toBe(
      `Granted ${ticket}: its shape by team sales, past rule:no-star, 4.5 credits left, until 2026-11-28 00:00 UTC.`,
    );
    expect(asked[0]?.url).toBe(`/api/v1/requests/${ticket}/decision`);
    expect(JSON.parse(asked[0]?.body ?? '')).toEqual({
      decision: 'granted',
      reason: 'fine',
      credits: '12.500000000000',
      runs: 3,
      until: '3d',
      shape: true,
      scope: 'team',
    });
  });

  test('asking, declining, withdrawing and revoking go to their routes', async () => {
    answer.body = JSON.stringify({ request });
    expect((await run('grant', 'request', ticket, '--reason', 'x', '--hours', '48')).out).toBe(
      `Asked for ${ticket}: 2 credits (6.00 USD), past rule:no-star; it waits.`,
    );
    const declined = {
      ...request,
      state: 'declined',
      decision: { author: 'a', grantedCredits: null },
    };
    answer.body = JSON.stringify({ request: declined });
    expect((await run('grant', 'decline', ticket, '--reason', 'no')).out).toBe(
      `${ticket} is declined, by a.`,
    );
    await run('grant', 'withdraw', ticket);
    answer.body = JSON.stringify({ pass });
    await run('grant', 'revoke', ticket);
    answer.body = JSON.stringify({ raise: { budgetId: 'b', credits: '3.000000000000' } });
    expect((await run('grant', 'revoke', '17', '--reason', 'wrong')).out).toContain(
      '3 credits of b',
    );
    expect(asked.map(({ url }) => url)).toEqual([
      '/api/v1/requests',
      `/api/v1/requests/${ticket}/decision`,
      `/api/v1/requests/${ticket}/withdraw`,
      `/api/v1/passes/${ticket}/revoke`,
      '/api/v1/raises/17/revoke',
    ]);
  });

  test('the list shows what waits and what lasts, or is one document', async () => {
    const raise = {
      id: '17',
      budgetId: 'sales-monthly',
      credits: '83.333333333333',
      amount: '250.000000000000',
      currency: 'USD',
      endsAt: '2026-11-28T00:00:00.000Z',
      reason: 'audit',
    };
    const all = { requests: [request], passes: [pass], raises: [raise], nextCursor: null };
    answer.body = JSON.stringify(all);
    const { out } = await run('grant', 'list');
    for (const part of [ticket, 'Passes that last', 'Raises that last', '6.00 USD', '250.00 USD'])
      expect(out).toContain(part);
    expect(out).toContain(
      'asks for 4.5 credits, runs: 2, hours: 72, its shape, with other literals too',
    );
    expect(JSON.parse((await run('grant', 'list', '--json')).out)).toEqual(all);
    answer.body = JSON.stringify({ requests: [], nextCursor: null });
    expect((await run('grant', 'list', '--state', 'expired')).out).toBe('No request is expired.');
  });

  test.each([
    [['grant'], 'one of the verbs of grant'],
    [['grant', 'raise', 'b', '0', 'USD'], 'is not an amount'],
    [['grant', 'raise', 'b', '-1'], ''],
    [['grant', 'raise', 'b', '1', 'dollars'], 'is not an amount'],
    [['grant', 'approve', ticket, '--runs', '1.5'], '--runs takes a whole number'],
    [['grant', 'revoke', 'x'], 'neither the ticket of a pass nor the number of a raise'],
    [['grant', 'request', ticket], '--reason'],
  ])('%j is wrong usage', async (args, said) => {
    const { code, err } = await run(...args);
    expect(code).toBe(2);
    expect(err).toContain(said);
    expect(asked).toEqual([]);
  });
});

describe('grant', () => {
  test('posts the exact amount, the end and the reason with the token', async () => {
    answer = { status: 201, body: '{"endsAt":"2026-11-28T00:00:00.000Z"}' };
    const { code, out } = await run(
      'grant',
      'data science',
      '12.5',
      '--until',
      'friday',
      '--reason',
      'launch',
    );
    expect(code).toBe(0);
    expect(out).toBe('Granted 12.5 credits to data science until 2026-11-28 00:00 UTC.');
    expect(asked).toEqual([
      {
        method: 'POST',
        url: '/api/v1/budgets/data%20science/grants',
        authorization: 'Bearer secret-token',
        key: expect.stringMatching(/^[0-9a-f-]{36}$/),
        body: '{"credits":"12.500000000000","until":"friday","reason":"launch"}',
      },
    ]);
  });

  test.each([['abc'], ['0'], ['-0'], ['1e3'], ['0.0000000000001']])(
    'of %s is wrong usage and asks nothing',
    async (credits) => {
      expect((await run('grant', 'sales', credits)).code).toBe(2);
      expect(asked).toEqual([]);
    },
  );

  test('that the API refuses ends with 1 and its words', async () => {
    answer = {
      status: 404,
      body: '{"detail":"There is no team.","errors":[{"field":"team","rule":"must exist","wayOut":"see /teams"}]}',
    };
    expect(await run('grant', 'sales', '1')).toEqual({
      code: 1,
      out: '',
      err: 'tollgate: There is no team.\n  team must exist; see /teams.',
    });
  });

  test('with --json prints failures as JSON too', async () => {
    answer = { status: 409, body: '{"detail":"closed"}' };
    const { code, out, err } = await run('grant', 'sales', '1', '--json');
    expect([code, JSON.parse(out), err]).toEqual([1, { error: { message: 'closed' } }, '']);
  });

  test('takes the token from the data directory when none is set', async () => {
    vi.stubEnv('TOLLGATE_ADMIN_TOKEN', undefined);
    writeFileSync(path.join(dataDir, 'admin-token'), 'from-file\n');
    answer = { status: 201, body: '{"endsAt":null}' };
    expect((await run('grant', 'sales', '1')).code).toBe(0);
    expect(asked[0]?.authorization).toBe('Bearer from-file');
    rmSync(path.join(dataDir, 'admin-token'));
    expect((await run('grant', 'sales', '1')).err).toContain('There is no admin token');
  });

  test('with a token that is not taken says so', async () => {
    answer = { status: 401, body: '' };
    expect((await run('grant', 'sales', '1')).err).toContain('does not accept the token');
  });

  test('while nothing runs says how to start it', async () => {
    vi.stubEnv('TOLLGATE_ADMIN_PORT', '1');
    const { code, err } = await run('grant', 'sales', '1');
    expect(code).toBe(1);
    expect(err).toContain('npm start');
  });
});

describe('transfer', () => {
  test('posts the exact amount under a key and says what is left', async () => {
    answer = {
      status: 201,
      body: '{"from":"sales-monthly","to":"risk-monthly","fromAvailableCredits":"25.000000000000","toAvailableCredits":"55.500000000000"}',
    };
    // A team stands for its budget, which is named.
    expect(await run('transfer', 'sales-monthly', 'risk', '12.5')).toEqual({
      code: 0,
      out: 'Moved 12.5 credits from sales-monthly (25 left) to risk-monthly (55.5 left).',
      err: '',
    });
    expect(asked).toMatchObject([
      {
        method: 'POST',
        url: '/api/v1/budgets/sales-monthly/transfers',
        key: expect.stringMatching(/^[0-9a-f-]{36}$/),
        body: '{"to":"risk","credits":"12.500000000000","reason":"transferred on the command line"}',
      },
    ]);
  });

  test.each([['NaN'], ['0'], ['-5'], ['1e3'], ['9'.repeat(27)]])(
    'of %s is wrong usage and asks nothing',
    async (credits) => {
      expect((await run('transfer', 'a', 'b', '--', credits)).code).toBe(2);
      expect((await run('transfer', 'a', 'b')).code).toBe(2);
      expect(asked).toEqual([]);
    },
  );
});

describe('budgets', () => {
  const standing = {
    periodEndsAt: '2026-12-01T00:00:00.000Z',
    limitCredits: '40.000000000000',
    spentCredits: '41.000000000000',
    heldCredits: '0.500000000000',
    availableCredits: '-1.500000000000',
    carriedCredits: '-2.000000000000',
    trueUp: {
      meteredCredits: '-0.250000000000',
      loadingCredits: '1.500000000000',
      billedCredits: '0.000000000000',
    },
    isPassed: true,
    passedPercent: 100,
    forecast: { expectedCredits: '60.000000000000', exhaustedAt: '2026-11-20T00:00:00.000Z' },
  };
  const soft = { id: 'sales-monthly', node: 'sales', isHard: false, standing };
  const endless = {
    id: 'risk-monthly',
    node: 'risk',
    isHard: true,
    standing: {
      ...standing,
      limitCredits: null,
      availableCredits: null,
      isPassed: false,
      carriedCredits: '0.000000000000',
      trueUp: {
        meteredCredits: '0.000000000000',
        loadingCredits: '0.000000000000',
        billedCredits: '0.000000000000',
      },
      passedPercent: null,
      forecast: null,
    },
  };

  test('shows standing, forecast and what is passed, page after page', async () => {
    answer = { status: 200, body: JSON.stringify({ budgets: [soft, endless], nextCursor: null }) };
    const { code, out } = await run('budgets');
    expect(code).toBe(0);
    expect(out.split('\n')).toEqual([
      'budget         kind   spent   held  limit    left  forecast  ends',
      '─────────────  ────  ──────  ─────  ─────  ──────  ────────  ──────────',
      'sales-monthly  soft  41.000  0.500     40  -1.500    60.000  2026-12-01',
      'risk-monthly   hard  41.000  0.500                           2026-12-01',
      '',
      'sales-monthly: carried from the period before: -2',
      'sales-monthly: of it: -0.25 by metering, 1.5 by loading of warehouses',
      'sales-monthly: the limit is passed; statements still run',
    ]);
    expect(JSON.parse((await run('budgets', 'risk', '--json')).out)).toEqual({
      budgets: [endless],
    });
    expect((await run('budgets', 'nobody')).err).toContain(
      'No budget that you may see is on nobody',
    );
  });
});

describe('bill', () => {
  const BILL = {
    status: 'provisional',
    totalAmount: '3.50',
    currency: 'USD',
    lines: [
      { kind: 'direct', warehouse: 'STANDARD_WH', amount: '3.00', ignored: { a: 1 } },
      { kind: 'idle', warehouse: 'STANDARD_WH', amount: '0.50' },
    ],
  };

  test('shows status, lines and total within the terminal', async () => {
    answer = { status: 200, body: JSON.stringify(BILL) };
    const { code, out } = await run('bill', 'sales', '2026-10');
    expect(code).toBe(0);
    expect(asked[0]?.url).toBe('/api/v1/bills/sales/2026-10.json');
    expect(out).toBe(
      [
        'Bill of sales for 2026-10 (provisional)',
        '',
        'kind    warehouse    amount',
        '──────  ───────────  ──────',
        'direct  STANDARD_WH    3.00',
        'idle    STANDARD_WH    0.50',
        '',
        'Total 3.50 USD',
        'The month is open and its figures still change.',
      ].join('\n'),
    );
  });

  test('shows credits short, what is owed in another currency, and of a closed month no warning', async () => {
    const conversion = { amount: '3.22', currency: 'EUR', rate: '0.92' };
    const lines = [{ kind: 'direct', credits: '1.250000000000', amount: '3.50' }];
    const body = { ...BILL, status: 'closed', conversion, lines };
    answer = { status: 200, body: JSON.stringify(body) };
    expect((await run('bill', 'sales', '2026-10')).out.split('\n').slice(-3)).toEqual([
      'direct     1.25    3.50',
      '',
      'Total 3.50 USD, owed as 3.22 EUR',
    ]);
  });

  test('with --json hands the document on unchanged, with --csv asks for the other form', async () => {
    answer = { status: 200, body: JSON.stringify(BILL) };
    expect(JSON.parse((await run('bill', 'sales', '2026-10', '--json')).out)).toEqual(BILL);
    answer = { status: 200, body: 'kind,amount\ndirect,3.00\n' };
    expect((await run('bill', 'sales', '2026-10', '--csv')).out).toBe('kind,amount\ndirect,3.00');
    expect(asked.map(({ url }) => url?.split('.').at(-1))).toEqual(['json', 'csv']);
  });

  test('writes FOCUS of a team and, of all, the journal, and says lines, bytes and hash', async () => {
    const file = path.join(dataDir, 'focus.csv');
    answer = { status: 200, body: 'a,b\r\n1,"x\ny"\r\n' };
    const { code, out } = await run(
      'bill',
      'sales',
      '2026-10',
      '--focus',
      file,
      '--focus-version',
      '1.2',
      '--json',
    );
    expect(code).toBe(0);
    expect(asked.at(-1)?.url).toBe('/api/v1/exports/2026-10/focus.csv?version=1.2&team=sales');
    expect(readFileSync(file, 'utf8')).toBe(answer.body);
    const sha256 = createHash('sha256').update(answer.body).digest('hex');
    expect(JSON.parse(out)).toEqual({
      month: '2026-10',
      files: [{ file, lines: 3, bytes: answer.body.length, sha256 }],
    });
    const journal = path.join(dataDir, 'journal.csv');
    const all = ['bill', '--all', '2026-10', '--journal', journal, '--layout', 'sap', '--reversal'];
    expect((await run(...all)).code).toBe(0);
    expect(asked.at(-1)?.url).toBe('/api/v1/exports/2026-10/journal.csv?layout=sap&reversal=true');
    expect(readFileSync(journal, 'utf8')).toBe(answer.body);
  });

  test('leaves no file behind where the API refuses, and says what does not fit together', async () => {
    const file = path.join(dataDir, 'refused.csv');
    answer = { status: 404, body: '{"detail":"Nothing was metered."}' };
    const refused = await run('bill', '--all', '2026-08', '--focus', file);
    expect([refused.code, refused.err]).toEqual([
      1,
      expect.stringContaining('Nothing was metered.'),
    ]);
    expect(readdirSync(dataDir).filter((name) => name.startsWith('refused'))).toEqual([]);
    for (const wrong of [
      ['bill', 'sales', '2026-10', '--journal', file],
      ['bill', 'sales', '--all', '2026-10', '--focus', file],
      ['bill', '--all', '2026-10'],
      ['bill', 'sales'],
    ])
      expect((await run(...wrong)).code, wrong.join(' ')).toBe(2);
  });

  test('of something that is not a month is wrong usage', async () => {
    expect((await run('bill', 'sales', '2026-13')).code).toBe(2);
  });

  test('is written into a file as it came, or nothing is', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'tollgate-bill-'));
    try {
      const out = path.join(folder, 'sales.pdf');
      answer = { status: 200, body: '%PDF-1.7 …' };
      expect((await run('bill', 'sales', '2026-10', '--pdf', '--out', out)).code).toBe(0);
      expect(asked[0]?.url).toBe('/api/v1/bills/sales/2026-10.pdf');
      expect(readFileSync(out, 'utf8')).toBe('%PDF-1.7 …');
      const all = path.join(folder, 'all');
      expect((await run('bill', '--all', '2026-10', '--out', all)).code).toBe(1);
      expect(asked.at(-1)?.url).toBe('/api/v1/exports/2026-10/bills.zip');
      expect(readdirSync(folder)).toEqual(['sales.pdf']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('of every team is delivered, and what did not arrive ends with 1', async () => {
    const report = { month: '2026-10', version: 1, sent: 3, alreadySent: 0, underWay: 0 };
    const whole = { ...report, failed: 0, failures: [], teamsWithoutAddress: ['legal'] };
    answer = { status: 200, body: JSON.stringify(whole) };
    const { code, out } = await run('bill', '--all', '2026-10', '--deliver', '--xlsx');
    expect([code, out]).toEqual([
      0,
      'Bills of 2026-10, version 1: 3 sent, 0 had arrived before.\n' +
        '  Without a channel of kind email: legal.',
    ]);
    expect(asked.at(-1)).toMatchObject({
      method: 'POST',
      url: '/api/v1/exports/2026-10/deliveries',
    });
    const failures = [{ target: 'a@example.com', item: '2026-10-v1-sales', why: 'busy' }];
    answer = { status: 200, body: JSON.stringify({ ...whole, failed: 1, failures }) };
    const broken = await run('bill', '--all', '2026-10', '--deliver', '--to', 'email');
    expect(broken.code).toBe(1);
    expect(broken.out).toContain('2026-10-v1-sales to a@example.com failed: busy');
    answer = { status: 200, body: JSON.stringify({ ...whole, sent: 0, alreadySent: 3 }) };
    const again = await run('bill', '--all', '2026-10', '--deliver');
    expect(again.out).toContain('nothing was sent, all 3 had arrived before');
  });

  test.each([
    [['bill']],
    [['bill', 'sales', '2026-10', '--pdf', '--xlsx']],
    [['bill', '--all', '2026-10']],
    [['bill', 'sales', '--all', '2026-10', '--out', 'x']],
    [['bill', 'sales', '2026-10', '--deliver']],
    [['bill', '--all', '2026-10', '--out', 'x', '--provisional']],
    [['bill', '--all', '2026-10', '--deliver', '--to', 'fax']],
  ])('asked for as %j is wrong usage', async (words) => {
    expect((await run(...words)).code).toBe(2);
  });
});

describe('doctor', () => {
  test('finds a running Tollgate and reports as JSON', async () => {
    const { code, out } = await run('doctor', '--json');
    const report = JSON.parse(out) as {
      healthy: boolean;
      findings: { check: string; status: string }[];
    };
    const statuses = Object.fromEntries(
      report.findings.map(({ check, status }) => [check, status]),
    );
    expect(asked[0]?.url).toBe('/livez');
    expect(statuses).toMatchObject({
      Node: 'ok',
      settings: 'ok',
      'admin port': 'ok',
      'admin API': 'ok',
      'data directory': 'ok',
      database: 'ok',
      'in force': 'skipped',
    });
    expect(code).toBe(report.healthy ? 0 : 1);
  });

  test('names a port that another program has, an upstream and a database that do not answer', async () => {
    answer = { status: 404, body: '' };
    vi.stubEnv('TOLLGATE_UPSTREAM', 'http://127.0.0.1:1');
    vi.stubEnv('TOLLGATE_DATABASE_URL', 'postgres://u:hunter2@127.0.0.1:1/d');
    const { code, out } = await run('doctor', '--settings');
    expect(code).toBe(1);
    const text = out.replace(/\s+/g, ' ');
    expect(text).toMatch(/✗ admin port \d+ is used by another program/);
    expect(text).toContain('choose another port in TOLLGATE_ADMIN_PORT');
    expect(text).toContain('✗ upstream http://127.0.0.1:1 does not answer (');
    expect(text).toContain(
      '✗ database 127.0.0.1:1/d does not answer: nobody listens at that port (ECONNREFUSED)',
    );
    expect(text).toContain('! seal keys generated in the data directory');
    expect(out).not.toContain('hunter2');
  });

  test('lists every problem of the configuration', async () => {
    vi.stubEnv('TOLLGATE_PROXY_PORT', 'x');
    vi.stubEnv('TOLLGATE_NONSENSE', '1');
    const { code, out } = await run('doctor');
    expect(code).toBe(1);
    const text = out.replace(/\s+/g, ' ');
    expect(text).toContain('✗ TOLLGATE_PROXY_PORT "x" is not a whole number from 0 to 65535');
    expect(text).toContain('✗ TOLLGATE_NONSENSE there is no such setting');
    expect(text).toContain('2 failed');
  });
});

describe('the command line', () => {
  test('answers help and version with 0, and lists what there is', async () => {
    const { code, out } = await run('--help');
    expect(code).toBe(0);
    for (const verb of ['serve', 'doctor', 'grant', 'bill']) expect(out).toContain(`  ${verb}`);
    expect((await run('--version')).out).toMatch(/^\d+\.\d+\.\d+$/);
    expect((await run('serve', '--help')).out).toContain('TOLLGATE_SEAL_KEYS');
  });

  test.each([
    [['nonsense']],
    [['grant']],
    [['grant', 'a', '1', '--nonsense']],
    [['bill', 'a', '2026-10', 'extra']],
  ])('answers %j with 2 and a hint', async (args) => {
    const { code, err } = await run(...args);
    expect(code).toBe(2);
    expect(err).toMatch(/^tollgate: .*\n(?:.*\n)?`tollgate help <verb>` says what there is\.$/);
  });
});

describe('tokens of people and scripts', () => {
  const token = {
    id: 'bd5fad5e36315deb',
    name: 'controller',
    role: 'team-lead',
    team: 'sales',
    principal: null,
    createdAt: '2026-11-26T09:30:00.000Z',
    expiresAt: null,
    revokedAt: null,
  };

  test('standard output of a new one is its secret alone, so that a shell can keep it', async () => {
    answer.body = JSON.stringify({ token, secret: 'tga_bd5fad5e36315deb_x' });
    const { code, out, err } = await run(
      'token',
      'issue',
      'controller',
      '--role',
      'team-lead',
      '--team',
      'sales',
    );
    expect([code, out]).toEqual([0, 'tga_bd5fad5e36315deb_x']);
    expect(err).toBe(
      'Token bd5fad5e36315deb (controller, team-lead of sales). Its secret is told only now:',
    );
    expect(JSON.parse(asked[0]?.body ?? '')).toEqual({
      name: 'controller',
      role: 'team-lead',
      team: 'sales',
    });
  });

  test('a rotated one has a new secret, alone on standard output, and says how long the old one lives', async () => {
    answer.body = JSON.stringify({ token, secret: 'tga_bd5fad5e36315deb_y' });
    const now = await run('token', 'rotate', token.id);
    expect([now.code, now.out]).toEqual([0, 'tga_bd5fad5e36315deb_y']);
    expect(now.err).toContain('the one before has ended');
    const later = await run('token', 'rotate', token.id, '--grace', '3600', '--reason', 'yearly');
    expect(later.err).toContain('is accepted for 3600 more seconds');
    expect(asked.map(({ url, body }) => [url, JSON.parse(body)])).toEqual([
      ['/api/v1/tokens/bd5fad5e36315deb/rotate', { graceSeconds: 0 }],
      ['/api/v1/tokens/bd5fad5e36315deb/rotate', { graceSeconds: 3600, reason: 'yearly' }],
    ]);
    for (const grace of ['-1', '1.5', 'soon', '1000000'])
      expect((await run('token', 'rotate', token.id, '--grace', grace)).code).toBe(2);
  });

  test('the list says whom each is for and when it ends; an ended one is told', async () => {
    answer.body = JSON.stringify({ tokens: [token], nextCursor: null });
    expect((await run('token', 'list')).out).toBe(
      [
        'id                name        for                 since       ends',
        '────────────────  ──────────  ──────────────────  ──────────  ────',
        'bd5fad5e36315deb  controller  team-lead of sales  2026-11-26',
      ].join('\n'),
    );
    answer.body = JSON.stringify({ token });
    expect((await run('token', 'revoke', token.id)).out).toBe('Token bd5fad5e36315deb is revoked.');
    expect(asked.at(-1)).toMatchObject({
      method: 'POST',
      url: '/api/v1/tokens/bd5fad5e36315deb/revoke',
    });
  });
});
