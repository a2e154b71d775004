/** The run itself must not be able to pass what a driver did not show: shown with programs that lie, differ, hang and are not there. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeCertificate } from '../support/certificates.js';
import { CASES } from './cases.js';
import type { Encryption } from './encryption.js';
import type { Operator } from './operator.js';
import { WAYS, type Side, type Sides } from './sides.js';
import { startTap } from './tap.js';
import type { Client } from './clients.js';
import { outcomes, skippedOutcomes, type Cell, type Outcome } from './outcome.js';
import { compatibilityDocument, totals } from './report.js';

const operator: Operator = {
  expire: () => Promise.resolve(),
  stateOf: () => Promise.resolve('NONE'),
  run: () => Promise.resolve(),
};
const side = (name: Side['name']): Side => ({
  name,
  ports: [1],
  account: 'demo',
  credentials: { user: 'marketing_analyst', password: 'demo' },
  encryption: null,
  operator,
});
const SIDES: Sides = {
  direct: side('direct'),
  proxied: side('proxied'),
  ways: new Map([['replicas', side('replicas')]]),
};
const client: Client = {
  name: 'a-client',
  version: '1.0',
  limitMs: 20_000,
  hasOwnCases: false,
  usual: null,
  without: Object.fromEntries(
    CASES.filter(({ name }) => !['select-1', 'syntax-error', 'refusal'].includes(name)).map(
      ({ name }) => [name, 'not asked'],
    ),
  ),
  prepare: () => Promise.reject(new Error('nothing to prepare')),
};

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'tollgate-drivers-test-'));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** A program with `side`, `isDirect` and `say(case, member)` at hand. */
function scriptOf(script: string): string {
  return `const side = process.argv[process.argv.indexOf('--side') + 1];
    const isDirect = side === 'direct';
    const say = (name, rest) => console.log(JSON.stringify({ case: name, ...rest }));
    const error = (code, sqlState, message) => ({ seen: { code, sqlState, message, afterwards: [['int 1']] } });
    const refused = error('712001', '42501', 'TG2001 Not run, nothing charged: needs about $9.00, $1.00 is left in marketing-monthly.');
    const syntax = error('001003', '42000', 'syntax');
    ${script}`;
}

/** Cells of a program that is a script in JavaScript. */
async function cellsOf(
  script: string,
  limitMs = client.limitMs,
): Promise<Record<string, [Cell, Cell]>> {
  const program = { command: process.execPath, args: ['-e', scriptOf(script), '--'] };
  const found = await outcomes({ ...client, limitMs }, program, SIDES, home);
  const asked = found.filter(({ direct }) => !('why' in direct && direct.why === 'not asked'));
  return Object.fromEntries(asked.map(({ title, direct, proxied }) => [title, [direct, proxied]]));
}

const kinds = (cells: readonly Cell[] | undefined): readonly string[] =>
  (cells ?? []).map(({ kind }) => kind);

test('right and equal answers pass; what only the proxy does is skipped directly', async () => {
  const cells = await cellsOf(
    `say('select-1', { seen: [['int 1']] }); say('syntax-error', syntax); if (!isDirect) say('refusal', refused);`,
  );
  expect(kinds(cells['SELECT 1'])).toEqual(['pass', 'pass']);
  expect(kinds(cells['syntax error'])).toEqual(['pass', 'pass']);
  expect(cells['refusal word for word, and the connection goes on']).toEqual([
    { kind: 'skipped', why: 'only the proxy refuses' },
    { kind: 'pass' },
  ]);
});

test('a right answer of another type through the proxy differs', async () => {
  const cells = await cellsOf(`say('select-1', { seen: [[!isDirect ? 'str 1' : 'int 1']] });`);
  expect(kinds(cells['SELECT 1'])).toEqual(['pass', 'differs']);
});

test('wrong answers, errors and silence fail', async () => {
  const cells = await cellsOf(
    `say('select-1', { seen: [['int 2']] }); say('syntax-error', { error: 'broken pipe' });`,
  );
  expect(kinds(cells['SELECT 1'])).toEqual(['fail', 'fail']);
  expect(cells['syntax error']?.[0]).toEqual({ kind: 'fail', why: 'broken pipe' });
  expect(kinds(cells['refusal word for word, and the connection goes on'])).toEqual([
    'skipped',
    'fail',
  ]);
});

test('a refusal whose text was changed, or after which the connection is dead, fails', async () => {
  const title = 'refusal word for word, and the connection goes on';
  const changed = await cellsOf(`refused.seen.message = 'Error: ' + refused.seen.message;
    if (!isDirect) say('refusal', refused);`);
  expect(kinds(changed[title])).toEqual(['skipped', 'fail']);
  const dead = await cellsOf(
    `refused.seen.afterwards = []; if (!isDirect) say('refusal', refused);`,
  );
  expect(kinds(dead[title])).toEqual(['skipped', 'fail']);
});

test('a program that hangs fails at the case where it hangs, and the rest is not claimed', async () => {
  const cells = await cellsOf(
    `say('select-1', { seen: [['int 1']] }); setInterval(() => 0, 1000);`,
    1500,
  );
  expect(kinds(cells['SELECT 1'])).toEqual(['pass', 'pass']);
  expect(kinds(cells['syntax error'])).toEqual(['fail', 'fail']);
  expect(cells['refusal word for word, and the connection goes on']?.[1]).toEqual({
    kind: 'skipped',
    why: 'an earlier case did not end',
  });
});

test('a client without its tool chain is skipped in every row, with the reason, and counted', () => {
  const found: readonly Outcome[] = skippedOutcomes(client, 'go is not installed');
  const rows = compatibilityDocument(found)
    .split('\n')
    .filter((line) => line.startsWith('| a-client'));
  // What needs credentials of Tollgate's own has no row in the table of the plain pair.
  expect(rows).toHaveLength(found.length - 2);
  expect(rows[0]).toBe(
    '| a-client | 1.0 | connect by host, port and protocol | skipped: go is not installed | skipped: go is not installed |',
  );
  expect(totals(found)).toEqual({ passed: 0, failed: 0, skipped: 2 * found.length });
});

test('what differs counts as failed, unless it is meant to differ', () => {
  const cell = { kind: 'differs', why: 'x', isKnown: false } as const;
  const outcome = { client, title: 'a', isOfTable: true, direct: { kind: 'pass' } as const };
  const ways = new Map([['terminated', { ...cell, isKnown: true }] as const]);
  expect(totals([{ ...outcome, proxied: cell, ways }])).toEqual({
    passed: 2,
    failed: 1,
    skipped: 0,
  });
});

test('a way has its counts, and a row for each case that is not as it is directly', async () => {
  const script = `say('select-1', { seen: [[side === 'replicas' ? 'str 1' : 'int 1']] }); say('syntax-error', syntax);`;
  const program = { command: process.execPath, args: ['-e', scriptOf(script), '--'] };
  const found = await outcomes(client, program, SIDES, home);
  const all = found.map((each) => {
    const [cell] = each.ways.values();
    const ways = WAYS.map((way) => [way, cell ?? each.direct] as const);
    return { ...each, ways: new Map(ways) };
  });
  const document = compatibilityDocument(all);
  expect(document.split('### replicas')[1]?.split('\n')).toEqual(
    expect.arrayContaining([
      `| a-client | 1.0 | 1 | 1 | 1 | ${found.length - 3} |`,
      '| a-client | 1.0 | SELECT 1 | differs | direct:  [["int 1"]] |',
    ]),
  );
  // A run of fewer ways leaves the section as it is written.
  expect(compatibilityDocument(found, document)).toBe(document);
});

const authority = makeCertificate({ name: 'authority' });
const shown = makeCertificate({ issuer: authority });
const ENCRYPTION: Encryption = {
  ...shown,
  authorityPem: authority.certPem,
  certFile: '',
  keyFile: '',
  environment: {},
};

test.each([
  { how: 'plain HTTP', encryption: null },
  { how: 'TLS', encryption: ENCRYPTION },
])(
  'before $how a tap deals connections round, counts statements and asks the operator',
  async ({ encryption }) => {
    const statement = 'POST /queries/v1/query-request?a HTTP/1.1\r\n\r\n';
    const answered: string[] = [];
    const servers = await Promise.all(
      ['one', 'two'].map(async (name) => {
        const answer = (socket: Socket): void => {
          answered.push(name);
          socket.end(name);
        };
        const server =
          encryption === null
            ? createServer(answer)
            : createTlsServer({ cert: encryption.certPem, key: encryption.keyPem }, answer);
        server.listen(0, '127.0.0.1');
        await once(server, 'listening');
        return server;
      }),
    );
    const ports = servers.map((server) => (server.address() as AddressInfo).port);
    const tap = await startTap({
      ports,
      encryption,
      operator: { ...operator, stateOf: (marker) => Promise.resolve(marker) },
    });
    for (const parts of [
      [statement],
      [statement.slice(0, 9), statement.slice(9)],
      ['GET / HTTP/1.1'],
    ]) {
      const to = { port: tap.port, host: '127.0.0.1' };
      const socket =
        encryption === null ? connect(to) : connectTls({ ...to, ca: encryption.authorityPem });
      socket.resume();
      for (const part of parts) await new Promise((resolve) => socket.write(part, resolve));
      await once(socket, 'close');
    }
    const ask = async (what: string): Promise<string> =>
      (await fetch(`${tap.controlUrl}/${what}`)).text();
    expect(answered).toEqual(['one', 'two', 'one']);
    expect(await ask('requests')).toBe('2');
    expect(await ask('state?marker=a_marker')).toBe('a_marker');
    expect(await ask('shutdown')).toContain('is nothing that can be asked');
    await tap.stop();
    for (const server of servers) server.close();
  },
);
