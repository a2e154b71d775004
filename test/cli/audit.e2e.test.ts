import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { lineOfEvent } from '../../admin/audit-chain.js';
import { AUDIT_GENESIS, type AuditEvent, hashOfEvent } from '../../admin/stores/audit-store.js';
import { canonicalJson } from '../../base/canonical-json.js';
import { anchorOf, GENESIS_HASH, merkleRoot } from '../../base/hash-chain.js';
import { ANCHOR_PURPOSE, anchorFields, sealRecords } from '../../billing/seal/record.js';
import { main } from '../../cli/main.js';
import { linesOf } from '../../cli/text-lines.js';
import { recordedTerminal } from './recorded-terminal.js';

let directory: string;
let server: Server;
/** What the API answers, by path. */
let answers: Record<string, string> = {};

const events: AuditEvent[] = [];
for (const reason of ['first', 'second \u2028 with a line end and \u001b[2J', 'third']) {
  const event = {
    sequence: events.length + 1,
    occurredAt: '2026-07-15T12:00:00.000Z',
    actor: 'admin-token',
    role: 'platform',
    action: 'budget.grant',
    subject: 'budget/sales-monthly',
    reason,
    before: null,
    after: { credits: '1' },
    previousHash: events.at(-1)?.hash ?? AUDIT_GENESIS,
  };
  events.push({ ...event, hash: hashOfEvent(event) });
}
const lines = events.map(lineOfEvent);
const head = events.at(-1)?.hash ?? '';

beforeAll(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'tollgate-audit-'));
  server = createServer((request, response) => {
    const answer = answers[request.url ?? ''];
    response.writeHead(answer === undefined ? 403 : 200);
    response.end(answer ?? '{"detail":"The role analyst may not do this."}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  rmSync(directory, { recursive: true });
});
beforeEach(() => {
  answers = {};
  for (const name of Object.keys(process.env))
    if (name.startsWith('TOLLGATE_')) vi.stubEnv(name, undefined);
});
afterEach(() => vi.unstubAllEnvs());

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const terminal = recordedTerminal(120);
  const code = await main(['audit', ...args], terminal);
  return { code, out: terminal.out(), err: terminal.err() };
}

function fileOf(content: string | Buffer): string {
  const file = path.join(directory, 'audit.jsonl');
  writeFileSync(file, content);
  return file;
}

function withApi(): void {
  vi.stubEnv('TOLLGATE_ADMIN_PORT', String((server.address() as AddressInfo).port));
  vi.stubEnv('TOLLGATE_ADMIN_TOKEN', 'token');
}

describe('verify of a file', () => {
  test('needs nothing that runs, and says the head to keep', async () => {
    const whole = await run('verify', fileOf(`${lines.join('\n')}\n`));
    expect(whole).toMatchObject({ code: 0, err: '' });
    expect(whole.out).toContain(`Intact: 3 events, head ${head}.`);
    expect((await run('verify', fileOf(lines.join('\n')), '--head', head)).code).toBe(0);
  });

  test('finds the first event that does not fit, and says which', async () => {
    const edited = lines.with(1, (lines[1] ?? '').replace('second', 'sekond'));
    const { code, out } = await run('verify', fileOf(edited.join('\n')));
    expect([code, out]).toEqual([
      1,
      'Broken: event 2 does not fit: its content does not have its hash: it was changed.',
    ]);
    const removed = await run('verify', fileOf(lines.toSpliced(1, 1).join('\n')), '--json');
    expect([removed.code, JSON.parse(removed.out)]).toEqual([
      1,
      { kind: 'broken', sequence: 2, why: expect.stringContaining('event 3 stands here') },
    ]);
  });

  test('finds a log that lost its end when the head is known', async () => {
    const short = fileOf(lines.slice(0, 2).join('\n'));
    expect((await run('verify', short)).code).toBe(0);
    const { code, out } = await run('verify', short, '--head', head);
    expect([code, out]).toEqual([1, expect.stringContaining('Shortened')]);
  });

  test('knows a manifest of bills however it is laid out, and names the file that is not there', async () => {
    const zero = '0'.repeat(64);
    const manifest = {
      format: 'tollgate-bills/1',
      organisation: 'Demo',
      month: '2026-10',
      version: 1,
      status: 'closed',
      asOf: '2026-11-05T00:00:00.000Z',
      currency: 'USD',
      controlTotals: { lines: 0, statements: 0, credits: '0', effectiveAmount: '0', amount: '0' },
      bills: [],
      merkleRoot: zero,
      files: [{ name: 'gone.csv', bill: null, bytes: 1, sha256: zero }],
    };
    for (const indent of [0, 2])
      expect(await run('verify', fileOf(JSON.stringify(manifest, null, indent)))).toMatchObject({
        code: 1,
        out: 'Broken: gone.csv is not there.',
      });
  });

  test('with a wrong head, no such file or bytes that are not text says so', async () => {
    expect((await run('verify', fileOf(''), '--head', 'abc')).code).toBe(2);
    expect(await run('verify', path.join(directory, 'none'))).toMatchObject({
      code: 2,
      err: expect.stringContaining('cannot be read'),
    });
    const bytes = Buffer.concat([Buffer.from(`${lines[0]}\n`), Buffer.from([0xff, 0x0a])]);
    expect(await run('verify', fileOf(bytes))).toMatchObject({
      code: 1,
      err: expect.stringContaining('not UTF-8'),
    });
  });
});

describe('verify of a ledger', () => {
  const key = { id: 'first', key: Buffer.alloc(32, 3) };
  const records = ['hold', 'settle', 'release'].map((kind, at) => ({
    journal: [
      { id: String(at + 1), kind, ticket_id: null, key: `k${at}`, author: 'a', reason: 'b' },
    ],
    entries: [{ ordinal: '1', budget_period_id: '1', account: 'spent', credits: '1.000000000000' }],
    charges: [],
    parts: [],
    deltas: [],
    trueUps: [],
  }));
  const sealed = sealRecords(records, 1, GENESIS_HASH);
  const headHash = sealed.at(-1)?.hash ?? '';
  const facts = {
    id: 1,
    firstSequence: 1,
    lastSequence: 3,
    previousHash: GENESIS_HASH,
    headHash,
    root: merkleRoot(sealed.map(({ leaf }) => leaf)),
    keyId: 'first',
    sealedAt: '2026-07-15T12:00:00.000Z',
  };
  const journalRow = (at: number): object => ({
    occurred_at: null,
    recorded_at: null,
    ...records[at]?.journal[0],
  });
  const ledger = [
    {
      kind: 'manifest',
      format: 'tollgate-ledger-1',
      firstSequence: 1,
      lastSequence: 3,
      previousHash: GENESIS_HASH,
      headHash,
      batches: 1,
      unsealed: 0,
    },
    ...sealed.map(({ sequence, hash }, at) => ({
      kind: 'record',
      sequence,
      journalId: String(at + 1),
      hash,
      ...records[at],
      journal: [journalRow(at)],
    })),
    { kind: 'batch', ...facts, anchor: anchorOf(key, ANCHOR_PURPOSE, anchorFields(facts)) },
  ].map(canonicalJson);

  function keyFile(fill: number): string {
    const file = path.join(directory, `keys-${fill}`);
    writeFileSync(file, `first:${Buffer.alloc(32, fill).toString('base64')}\n`);
    return file;
  }

  test('the same verb knows a ledger by its first line, and checks anchors by the key that is given', async () => {
    const file = fileOf(`${ledger.join('\n')}\n`);
    const without = await run('verify', file);
    expect(without).toMatchObject({ code: 0, err: '' });
    expect(without.out).toContain(
      `Intact: 3 records (1 to 3, sealed 2026-07-15 12:00:00 to 2026-07-15 12:00:00 UTC), head ${headHash}.`,
    );
    expect(without.out).toContain('1 anchors were not checked: no seal key was given');
    const checked = await run('verify', file, '--keys', keyFile(3), '--head', headHash);
    expect(checked.out).toContain('1 anchors were made with the seal key');
    const foreign = await run('verify', file, '--keys', keyFile(4));
    expect([foreign.code, foreign.out]).toEqual([1, expect.stringContaining('without the key')]);
    const keyOfLater = path.join(directory, 'keys-later');
    writeFileSync(keyOfLater, readFileSync(keyFile(3), 'utf8').replace('first:', 'second:'));
    const rotated = await run('verify', file, '--keys', keyOfLater);
    expect([rotated.code, rotated.out]).toEqual([
      2,
      expect.stringMatching(
        /^Cannot tell: 3 records \(1 to 3, sealed 2026-07-15 12:00:00 to 2026-07-15 12:00:00 UTC\) fit each other, head [0-9a-f]{64}, but seal keys were not given that anchors name: first \(1 anchors\)\. Give every key/,
      ),
    ]);
    const asJson = await run('verify', file, '--keys', keyOfLater, '--json');
    expect([asJson.code, JSON.parse(asJson.out)]).toEqual([
      2,
      expect.objectContaining({
        kind: 'unproven',
        missingKeys: [{ keyId: 'first', anchors: 1 }],
      }),
    ]);
    expect((await run('verify', file, '--keys', path.join(directory, 'none'))).code).toBe(2);
    expect((await run('verify', file, '--keys', file)).err).toContain('has no seal keys');
  });

  test('names the first record that does not fit, also in JSON', async () => {
    const edited = ledger.with(2, (ledger[2] ?? '').replace('1.000000000000', '0.900000000000'));
    const { code, out } = await run('verify', fileOf(edited.join('\n')));
    expect([code, out]).toEqual([
      1,
      expect.stringMatching(
        /^Broken: the ledger does not fit at record 2: journal 2 does not have its hash/,
      ),
    ]);
    const cut = await run('verify', fileOf(ledger.slice(0, 3).join('\n')), '--json');
    expect([cut.code, JSON.parse(cut.out)]).toEqual([
      1,
      {
        kind: 'broken',
        exportNumber: 1,
        line: 4,
        sequence: 3,
        why: expect.stringContaining('it was cut off'),
      },
    ]);
    const other = 'f'.repeat(64);
    const shortened = await run('verify', fileOf(ledger.join('\n')), '--head', other);
    expect([shortened.code, shortened.out]).toEqual([1, expect.stringContaining('Shortened')]);
  });

  test('several exports are verified as one, and the file that does not go on is named', async () => {
    const first = path.join(directory, 'first.jsonl');
    writeFileSync(first, `${ledger.join('\n')}\n`);
    const second = path.join(directory, 'second.jsonl');
    writeFileSync(second, `${ledger.join('\n')}\n`);
    const twice = await run('verify', first, second);
    expect([twice.code, twice.out]).toEqual([
      1,
      expect.stringContaining(
        `in ${second}: the export begins with record 1, and the one before it ends with record 3`,
      ),
    ]);
    const log = await run('verify', first, fileOf(lines.join('\n')));
    expect([log.code, log.err]).toEqual([2, expect.stringContaining('no export of the ledger')]);
  });

  test('nothing that a file says moves the terminal', async () => {
    const batch = JSON.parse(ledger.at(-1) ?? '') as object;
    const renamed = { ...batch, keyId: '\u001b[2Jghost' };
    const told: (readonly [object, number, string])[] = [
      // Made with a key that was given, under another name; and with one that was not.
      [renamed, 1, 'ghost, and its anchor was made with first'],
      [{ ...renamed, anchor: GENESIS_HASH }, 2, 'ghost (1 anchors)'],
    ];
    for (const [line, exitCode, text] of told) {
      const forged = ledger.with(-1, canonicalJson(line));
      const { code, out } = await run('verify', fileOf(forged.join('\n')), '--keys', keyFile(3));
      expect([code, out]).toEqual([exitCode, expect.stringContaining(text)]);
      expect(out).not.toContain('\u001b');
    }
  });

  test('an export asks for what was sealed in a span', async () => {
    withApi();
    answers = { '/api/v1/audit/ledger?from=2026-07-01&to=2026-08-01': `${ledger.join('\n')}\n` };
    expect((await run('export', '--from', '2026-07-01', '--to', '2026-08-01')).out).toBe(
      ledger.join('\n'),
    );
  });
});

describe('with the API', () => {
  const EXPORT = '/api/v1/audit/export.jsonl';
  const EMPTY_LEDGER = canonicalJson({
    kind: 'manifest',
    format: 'tollgate-ledger-1',
    firstSequence: 1,
    lastSequence: 0,
    previousHash: GENESIS_HASH,
    headHash: GENESIS_HASH,
    batches: 0,
    unsealed: 0,
  });

  test('export prints the lines as they are, and verify checks them against the head', async () => {
    withApi();
    answers = {
      [EXPORT]: `${lines.join('\n')}\n`,
      '/api/v1/audit/head': JSON.stringify({ hash: head }),
      '/api/v1/audit/ledger/head': JSON.stringify({ hash: GENESIS_HASH }),
      '/api/v1/audit/ledger': `${EMPTY_LEDGER}\n`,
    };
    expect(await run('export')).toEqual({ code: 0, out: lines.join('\n'), err: '' });
    expect((await run('verify')).out).toContain('Intact: 3 events');
    // Log and ledger have each a head of their own.
    const kept = ['--head', head, '--ledger-head', GENESIS_HASH];
    expect(await run('verify', ...kept)).toMatchObject({
      code: 0,
      out: expect.not.stringContaining('Keep this head'),
    });
    const lost = await run('verify', '--ledger-head', head);
    expect(lost).toMatchObject({ code: 1, out: expect.stringContaining('Intact: 3 events') });
    expect(lost.out).toMatch(/Shortened: the known head is not among the 0 records/);
    expect((await run('verify', fileOf(''), '--ledger-head', head)).code).toBe(2);
    answers[EXPORT] = `${lines.slice(0, 2).join('\n')}\n`;
    expect(await run('verify')).toMatchObject({
      code: 1,
      out: expect.stringContaining('Shortened'),
    });
  });

  test('list asks for one subject and lays the events out', async () => {
    withApi();
    answers = {
      '/api/v1/audit?subject=budget%2Fsales-monthly&limit=50': JSON.stringify({
        events,
        nextCursor: null,
      }),
      '/api/v1/audit?limit=2': '{"events":[],"nextCursor":null}',
    };
    const { out } = await run('list', '--subject', 'budget/sales-monthly');
    expect(out).toContain('budget.grant');
    expect(out).toContain('admin-token');
    expect(out).not.toContain('\u2028');
    expect(out).not.toContain('\u001b');
    expect((await run('list', '--limit', '2')).out).toBe('Nothing was changed yet.');
    for (const limit of ['0', '-1', '1000000', 'x'])
      expect((await run('list', '--limit', limit)).code).toBe(2);
  });

  test('a role that may not is told so in the words of the API', async () => {
    withApi();
    for (const verb of ['list', 'export', 'verify'])
      expect(await run(verb)).toEqual({
        code: 1,
        out: '',
        err: 'tollgate: The role analyst may not do this.',
      });
  });
});

test('lines end with a line feed alone, wherever the parts are cut', async () => {
  const text = 'ä\u2028b\r\n\n😀c\nlast';
  const bytes = Buffer.from(text);
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    const seen: string[] = [];
    for await (const line of linesOf(partsOf(bytes, cut))) seen.push(line);
    expect(seen).toEqual(['ä\u2028b\r', '', '😀c', 'last']);
  }
});

async function* partsOf(bytes: Buffer, cut: number): AsyncGenerator<Uint8Array> {
  yield bytes.subarray(0, cut);
  yield await Promise.resolve(bytes.subarray(cut));
}
