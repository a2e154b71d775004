/** `tollgate top` against an API that records what it is asked, on a screen that records what it is drawn. */
import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { main } from '../../cli/main.js';
import type { Key } from '../../cli/screen.js';
import { boardLines, markedLine, type Board, type RunningStatement } from '../../cli/top/board.js';
import { recordedTerminal } from './recorded-terminal.js';

const AT = Date.parse('2026-11-26T10:00:00Z');

function statement(index: number, changes: Partial<RunningStatement> = {}): RunningStatement {
  return {
    ticketId: `019a0000-0000-7000-8000-00000000000${index}`,
    state: 'RUNNING',
    team: 'marketing',
    principal: 'marketing_analyst',
    tier: 'batch',
    statementShape: 'SELECT *\n  FROM WEB.EVENTS',
    usedCredits: '0.500000000000',
    usedAmount: '1.500000000000',
    currency: 'USD',
    holdCredits: '2.000000000000',
    ceilingCredits: '10.000000000000',
    sentAt: '2026-11-26T09:58:00.000Z',
    usedAt: '2026-11-26T09:59:30.000Z',
    ...changes,
  };
}

function board(running: readonly RunningStatement[], hasMore = false): Board {
  const tier = { concurrencyMax: 4, queueMax: 50 };
  return {
    running,
    hasMore,
    at: AT,
    tiers: [
      { id: 'batch', running: 3, waiting: 2, ...tier },
      { id: 'interactive', running: 0, waiting: 0, ...tier },
    ],
  };
}

const plain = { columns: 110, hasColours: false };

test('the board says what a minute costs, how full tiers are, and what each statement used of its hold', () => {
  const other = statement(2, { currency: 'EUR', usedAmount: '0.300000000000', holdCredits: '0' });
  expect(boardLines(board([statement(1), other]), plain)).toEqual([
    'tollgate top  2 running  ·  2 waiting  ·  €0.20 a minute  ·  $1.00 a minute  ·  10:00:00 UTC',
    '',
    'batch        ████████░░  3 of 4 run, 2 of 50 wait',
    'interactive  ░░░░░░░░░░  0 of 4 run, 0 of 50 wait',
    '',
    'TICKET                                TEAM       TIER   FOR    COST   OF HOLD  STATEMENT',
    '────────────────────────────────────  ─────────  ─────  ─────  ─────  ───────  ────────────────────────',
    '019a0000-0000-7000-8000-000000000001  marketing  batch  2 min  $1.50      25%  SELECT * FROM WEB.EVENTS',
    '019a0000-0000-7000-8000-000000000002  marketing  batch  2 min  €0.30       0%  SELECT * FROM WEB.EVENTS',
  ]);
});

test('a wide terminal has principals and tiers too; ids are never cut, statements are', () => {
  const [line = ''] = boardLines(board([statement(1)]), { ...plain, columns: 125 }).slice(-1);
  expect(line).toContain('marketing_analyst  batch');
  const [tier = ''] = boardLines(board([statement(1)]), { ...plain, columns: 104 }).slice(-1);
  expect(tier).toContain('marketing  batch  2 min');
  const [narrow = ''] = boardLines(board([statement(1)]), { ...plain, columns: 84 }).slice(-1);
  expect(narrow).toBe(
    '019a0000-0000-7000-8000-000000000001  marketing  2 min  $1.50      25%  SELECT * FR…',
  );
});

test('where a statement has no room for its name even, the column is left out', () => {
  const [head = ''] = boardLines(board([statement(1)]), { ...plain, columns: 78 }).slice(-3);
  expect(head).toMatch(/OF HOLD$/);
});

test('a live board of 80 columns has the text of statements, and what else is known of the marked one below', () => {
  const live = { columns: 80, hasColours: false, selected: 1 };
  const shown = board([statement(1), statement(2)]);
  const lines = boardLines(shown, live);
  expect(lines[5]).toMatch(/^TEAM +TIER +FOR +COST +OF HOLD +STATEMENT$/);
  expect(lines.at(-1)).toContain('SELECT * FROM WEB.EVENTS');
  expect(
    Math.max(...lines.slice(5).map((line) => stripVTControlCharacters(line).length)),
  ).toBeLessThanOrEqual(80);
  expect(markedLine(shown, live)).toBe(
    '019a0000-0000-7000-8000-000000000002  marketing_analyst, batch, holds 2.000',
  );
  expect(markedLine(board([]), live)).toBe('');
});

test('what is in doubt says so', () => {
  const [line = ''] = boardLines(board([statement(1, { state: 'IN_DOUBT' })]), plain).slice(-1);
  expect(line).toContain('(in doubt) SELECT');
});

test('nothing running is said, and no line is wider than the terminal', () => {
  expect(boardLines(board([]), plain).at(-1)).toBe('Nothing runs.');
  for (const columns of [40, 84, 200]) {
    const lines = boardLines(board([statement(1)]), { columns, hasColours: false });
    expect(Math.max(...lines.slice(5).map((line) => line.length))).toBeLessThanOrEqual(columns);
  }
});

test('what has outrun its hold is yellow, what is about to be stopped red, and only with colours', () => {
  const running = [
    statement(1),
    statement(2, { usedCredits: '2.100000000000' }),
    statement(3, { usedCredits: '9.000000000000' }),
  ];
  const tones = (hasColours: boolean): readonly (string | undefined)[] =>
    boardLines(board(running), { columns: 110, hasColours })
      .slice(-3)
      .map((line) => (line.startsWith('\u001B[') ? line.slice(2, line.indexOf('m')) : undefined));
  expect(tones(true)).toEqual([undefined, '33', '31']);
  expect(tones(false)).toEqual([undefined, undefined, undefined]);
});

test('a low screen shows the marked statement and says that there are more', () => {
  const running = [1, 2, 3, 4, 5, 6].map((index) => statement(index, { team: `team-${index}` }));
  const shown = boardLines(board(running, true), { ...plain, rows: 10, selected: 4 });
  expect(shown).toHaveLength(10);
  expect(shown.join('\n')).toContain('team-5');
  expect(shown.join('\n')).not.toContain('team-1');
  expect(shown.find((line) => line.includes('team-5'))?.startsWith('\u001B[7m')).toBe(true);
  expect(shown.at(-1)).toBe('… and more; 6+ run in all');
});

let asked: string[] = [];
let running: RunningStatement[] = [];

beforeEach(() => {
  asked = [];
  running = [statement(1), statement(2)];
  for (const name of Object.keys(process.env))
    if (name.startsWith('TOLLGATE_')) vi.stubEnv(name, undefined);
  vi.stubEnv('TOLLGATE_ADMIN_TOKEN', 'secret-token');
  vi.stubGlobal('fetch', (url: string, init: { method: string; body?: string }) => {
    const { pathname, search } = new URL(url);
    asked.push(`${init.method} ${pathname}${search}`);
    if (init.method === 'POST')
      return Promise.resolve(new Response(JSON.stringify({ isInDoubt: false })));
    const list = pathname.endsWith('/running') ? { running } : { tiers: board([]).tiers };
    return Promise.resolve(new Response(JSON.stringify({ ...list, nextCursor: null })));
  });
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
});

test('it prints once where output is no terminal, and as JSON', async () => {
  const terminal = recordedTerminal(120);
  expect(await main(['top', '--team', 'marketing'], terminal)).toBe(0);
  expect(terminal.out()).toContain('2 running  ·  2 waiting');
  expect(asked[0]).toBe('GET /api/v1/running?team=marketing&limit=200');
  const json = recordedTerminal();
  expect(await main(['top', '--json'], json)).toBe(0);
  expect(JSON.parse(json.out())).toMatchObject({
    running: [{ ticketId: statement(1).ticketId }, { ticketId: statement(2).ticketId }],
    usedAmounts: [{ currency: 'USD', amount: '3.000000000000' }],
  });
});

test('keys choose a statement, end it once that is confirmed, and leave', async () => {
  const drawn: string[] = [];
  let press: (key: Key) => void = () => undefined;
  let isClosed = false;
  let isDrawn: () => void = () => undefined;
  const firstDraw = new Promise<void>((resolve) => (isDrawn = resolve));
  const terminal = {
    ...recordedTerminal(),
    openScreen: (onKey: (key: Key) => void) => {
      press = onKey;
      return {
        columns: 130,
        rows: 20,
        draw: (lines: readonly string[]) => {
          drawn.push(lines.join('\n'));
          isDrawn();
        },
        close: () => {
          isClosed = true;
        },
      };
    },
  };
  const ended = main(['top', '--seconds', '900'], terminal);
  await firstDraw;
  press({ name: 'down' });
  press({ name: 'k' });
  expect(drawn.at(-1)).toContain(`End ${statement(2).ticketId}?`);
  press({ name: 'n' });
  press({ name: 'k' });
  expect(asked.filter((each) => each.startsWith('POST'))).toEqual([]);
  press({ name: 'y' });
  await vi.waitFor(() => expect(drawn.at(-1)).toContain('is ended by the replica that has it'));
  expect(asked.filter((each) => each.startsWith('POST'))).toEqual([
    `POST /api/v1/tickets/${statement(2).ticketId}/kill`,
  ]);
  press({ name: 'q' });
  expect(await ended).toBe(0);
  expect(isClosed).toBe(true);
});

test('an interval that is none is a usage error', async () => {
  const terminal = recordedTerminal();
  expect(await main(['top', '--seconds', '0'], terminal)).toBe(2);
  expect(terminal.err()).toContain('--seconds is a whole number from 1 to 999');
});
