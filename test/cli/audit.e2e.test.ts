import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { lineOfEvent } from '../../admin/audit-chain.js';
import { AUDIT_GENESIS, type AuditEvent, hashOfEvent } from '../../admin/stores/audit-store.js';
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

describe('with the API', () => {
  const EXPORT = '/api/v1/audit/export.jsonl';

  test('export prints the lines as they are, and verify checks them against the head', async () => {
    withApi();
    answers = {
      [EXPORT]: `${lines.join('\n')}\n`,
      '/api/v1/audit/head': JSON.stringify({ hash: head }),
    };
    expect(await run('export')).toEqual({ code: 0, out: lines.join('\n'), err: '' });
    expect((await run('verify')).out).toContain('Intact: 3 events');
    answers[EXPORT] = `${lines.slice(0, 2).join('\n')}\n`;
    expect(await run('verify')).toMatchObject({
      code: 1,
      out: expect.stringContaining('Shortened'),
    });
  });

  test('list asks for one subject and lays the events out', async () => {
    withApi();
    answers = {
      '/api/v1/audit?limit=50&subject=budget%2Fsales-monthly': JSON.stringify({ events }),
      '/api/v1/audit?limit=2': '{"events":[]}',
    };
    const { out } = await run('list', '--subject', 'budget/sales-monthly');
    expect(out).toContain('budget.grant');
    expect(out).toContain('admin-token');
    expect(out).not.toContain('\u2028');
    expect(out).not.toContain('\u001b');
    expect((await run('list', '--limit', '2')).out).toBe('Nothing was changed yet.');
    for (const limit of ['0', '501', 'x'])
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
