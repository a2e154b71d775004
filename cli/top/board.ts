/**
 * The live board of `tollgate top`: what runs, what it takes a minute, and how full the tiers are. Pure: what the API
 * said in, lines out.
 */
import { z } from 'zod';
import {
  addMoney,
  compareAmounts,
  formatAmountTo,
  mulDiv,
  NO_CREDITS,
  NO_MONEY,
  parseCredits,
  parseMoney,
  type Money,
} from '../../base/units.js';
import { moneyText } from '../../policies/rules/amount-text.js';
import { table } from '../terminal.js';

/** A statement that is upstream, or in doubt, as the API tells of it; amounts are decimal strings. */
export interface RunningStatement {
  readonly ticketId: string;
  readonly state: string;
  readonly team: string;
  readonly principal: string;
  readonly tier: string;
  readonly statementShape: string;
  readonly usedCredits: string;
  readonly usedAmount: string;
  readonly currency: string;
  readonly holdCredits: string;
  readonly ceilingCredits: string | null;
  readonly sentAt: string | null;
  /** When its replica told what it has used. */
  readonly usedAt: string | null;
}

export interface TierNow {
  readonly id: string;
  readonly running: number;
  readonly concurrencyMax: number;
  readonly waiting: number;
  readonly queueMax: number;
}

export const RUNNING_STATEMENT: z.ZodType<RunningStatement> = z.object({
  ticketId: z.string(),
  state: z.string(),
  team: z.string(),
  principal: z.string(),
  tier: z.string(),
  statementShape: z.string(),
  usedCredits: z.string(),
  usedAmount: z.string(),
  currency: z.string(),
  holdCredits: z.string(),
  ceilingCredits: z.string().nullable(),
  sentAt: z.string().nullable(),
  usedAt: z.string().nullable(),
});

export const TIER_NOW: z.ZodType<TierNow> = z.object({
  id: z.string(),
  running: z.number(),
  concurrencyMax: z.number(),
  waiting: z.number(),
  queueMax: z.number(),
});

export interface Board {
  /** The dearest first. */
  readonly running: readonly RunningStatement[];
  /** More run than are listed. */
  readonly hasMore: boolean;
  readonly tiers: readonly TierNow[];
  /** When it was read, in milliseconds since 1970. */
  readonly at: number;
}

export interface BoardLayout {
  readonly columns: number;
  /** Lines that the screen has; absent: as many as it takes. */
  readonly rows?: number;
  readonly hasColours: boolean;
  /** The statement that keys act on; absent: none is marked. */
  readonly selected?: number;
}

interface Column {
  readonly heading: string;
  /** Where the text of the statement has no room otherwise, the column goes; the lowest first. Absent: it never does. */
  readonly goesAs?: number;
  readonly cell: (statement: RunningStatement, at: number) => string;
}

/** A ticket is typed into `tollgate kill`; on a live board a key ends the marked statement, whose ticket stands below. */
const TICKET: Column = { heading: 'TICKET', cell: ({ ticketId }) => ticketId };
const COLUMNS: readonly Column[] = [
  { heading: 'TEAM', cell: ({ team }) => team },
  { heading: 'PRINCIPAL', goesAs: 1, cell: ({ principal }) => principal },
  { heading: 'TIER', goesAs: 2, cell: ({ tier }) => tier },
  {
    heading: 'FOR',
    cell: ({ sentAt }, at) => (sentAt === null ? '' : ranFor(Math.max(0, at - Date.parse(sentAt)))),
  },
  {
    heading: 'COST',
    cell: ({ usedAmount, currency }) => moneyText(parseMoney(usedAmount), currency),
  },
  {
    heading: 'OF HOLD',
    cell: ({ usedCredits, holdCredits }) => `${percentOf(usedCredits, holdCredits)}%`,
  },
];
const STATEMENT = 'STATEMENT';
/** Less of a statement says nothing that its neighbours do not. */
const STATEMENT_MIN = 24;
const GAP_LENGTH = 2;
const BAR_LENGTH = 10;
const MINUTE_MS = 60_000n;
/** Percent of the ceiling from which on a statement is about to be stopped. */
const NEAR_CEILING_PERCENT = 90n;

/** Lines of the board: a headline, the tiers, the statements. */
export function boardLines(board: Board, layout: BoardLayout): readonly string[] {
  const paint = painter(layout.hasColours);
  const head = [headline(board, paint), '', ...tierLines(board, paint), ''];
  if (board.running.length === 0) return [...head, 'Nothing runs.'];
  const room = layout.rows === undefined ? undefined : layout.rows - head.length - 3;
  const listed = board.running.slice(
    firstShown(board, layout, room),
    lastShown(board, layout, room),
  );
  const [headers = '', rule = '', ...lines] = statementTable(listed, board.at, layout);
  const marked = board.running[layout.selected ?? -1];
  return [
    ...head,
    clipped(headers, layout.columns),
    clipped(rule, layout.columns),
    ...lines.map((line, index) => {
      const statement = listed[index];
      const text = clipped(line, layout.columns);
      if (statement === undefined) return text;
      // Not a colour: also where those are unwanted.
      return statement === marked ? `\u001B[7m${text}\u001B[0m` : paint(toneOf(statement), text);
    }),
    ...(board.hasMore || listed.length < board.running.length
      ? [`… and more; ${board.running.length}${board.hasMore ? '+' : ''} run in all`]
      : []),
  ];
}

function firstShown(board: Board, { selected = 0 }: BoardLayout, room: number | undefined): number {
  if (room === undefined || selected < room) return 0;
  return Math.min(selected - room + 1, board.running.length);
}

function lastShown(board: Board, layout: BoardLayout, room: number | undefined): number {
  return firstShown(board, layout, room) + Math.max(1, room ?? board.running.length);
}

function headline({ running, hasMore, tiers, at }: Board, paint: Paint): string {
  const waiting = tiers.reduce((sum, tier) => sum + tier.waiting, 0);
  const parts = [
    `${running.length}${hasMore ? '+' : ''} running`,
    `${waiting} waiting`,
    ...rates(running),
    `${new Date(at).toISOString().slice(11, 19)} UTC`,
  ];
  return `${paint('1', 'tollgate top')}  ${parts.join('  ·  ')}`;
}

/** Money a minute by currency: what each statement took for each minute that it ran. */
function rates(running: readonly RunningStatement[]): readonly string[] {
  const byCurrency = new Map<string, Money>();
  for (const { currency, usedAmount, sentAt, usedAt } of running) {
    if (sentAt === null || usedAt === null) continue;
    const ranMs = Date.parse(usedAt) - Date.parse(sentAt);
    if (!(ranMs > 0)) continue;
    const rate = mulDiv(parseMoney(usedAmount), MINUTE_MS, BigInt(ranMs), 'half-even') as Money;
    byCurrency.set(currency, addMoney(byCurrency.get(currency) ?? NO_MONEY, rate));
  }
  return [...byCurrency]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([currency, rate]) => `${moneyText(rate, currency)} a minute`);
}

function tierLines({ tiers }: Board, paint: Paint): readonly string[] {
  const width = Math.max(0, ...tiers.map(({ id }) => id.length));
  return tiers.map(({ id, running, concurrencyMax, waiting, queueMax }) => {
    const filled = Math.min(
      BAR_LENGTH,
      concurrencyMax === 0 ? 0 : Math.ceil((running * BAR_LENGTH) / concurrencyMax),
    );
    const bar = '█'.repeat(filled) + '░'.repeat(BAR_LENGTH - filled);
    const text = `${id.padEnd(width)}  ${bar}  ${running} of ${concurrencyMax} run, ${waiting} of ${queueMax} wait`;
    return paint(waiting > 0 ? '33' : '', text);
  });
}

/** Ids are never cut, because they are copied from here: the text of the statement gets what room there is. */
function statementTable(
  listed: readonly RunningStatement[],
  at: number,
  { columns, selected }: BoardLayout,
): readonly string[] {
  let shown = selected === undefined ? [TICKET, ...COLUMNS] : COLUMNS;
  const roomOf = (of: readonly Column[]): number =>
    columns -
    of.reduce((sum, { heading, cell }) => {
      const widths = listed.map((each) => Array.from(cell(each, at)).length);
      return sum + Math.max(heading.length, ...widths) + GAP_LENGTH;
    }, 0);
  while (roomOf(shown) < STATEMENT_MIN) {
    const [next] = shown
      .filter(({ goesAs }) => goesAs !== undefined)
      .toSorted((a, b) => (a.goesAs ?? 0) - (b.goesAs ?? 0));
    if (next === undefined) break;
    shown = shown.filter((each) => each !== next);
  }
  const room = roomOf(shown);
  const hasText = room >= STATEMENT.length;
  return table(
    [...shown.map(({ heading }) => heading), ...(hasText ? [STATEMENT] : [])],
    listed.map((each) => [
      ...shown.map(({ cell }) => cell(each, at)),
      ...(hasText ? [clipped(textOf(each), room)] : []),
    ]),
    Number.MAX_SAFE_INTEGER,
  ).split('\n');
}

function textOf({ state, statementShape }: RunningStatement): string {
  const text = statementShape.replaceAll(/\s+/g, ' ');
  return state === 'IN_DOUBT' ? `(in doubt) ${text}` : text;
}

/** What the row of the marked statement has no room for, in one line; empty where nothing runs. */
export function markedLine(board: Board, { columns, selected = 0 }: BoardLayout): string {
  const marked = board.running[selected];
  if (marked === undefined) return '';
  const { ticketId, principal, tier, holdCredits } = marked;
  const hold = formatAmountTo(parseCredits(holdCredits), 3);
  return clipped(`${ticketId}  ${principal}, ${tier}, holds ${hold}`, columns);
}

/** `48 s`, `12 min`, `3 h 07 min`. */
function ranFor(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/** Whole percent, cut; 0 where the whole is nothing. */
function percentOf(part: string, whole: string): bigint {
  const of = parseCredits(whole);
  return compareAmounts(of, NO_CREDITS) <= 0 ? 0n : mulDiv(parseCredits(part), 100n, of, 'down');
}

/** Red where it is about to be stopped at its ceiling, yellow where it has outrun its hold. */
function toneOf({ usedCredits, holdCredits, ceilingCredits }: RunningStatement): string {
  if (ceilingCredits !== null && percentOf(usedCredits, ceilingCredits) >= NEAR_CEILING_PERCENT)
    return '31';
  return percentOf(usedCredits, holdCredits) > 100n ? '33' : '';
}

function clipped(line: string, columns: number): string {
  const characters = Array.from(line);
  return characters.length > columns ? `${characters.slice(0, columns - 1).join('')}…` : line;
}

type Paint = (code: string, text: string) => string;

function painter(hasColours: boolean): Paint {
  return (code, text) => (hasColours && code !== '' ? `\u001B[${code}m${text}\u001B[0m` : text);
}

/** The sum of what is running, for programs. */
export function boardJson(board: Board): string {
  const { running, tiers, at } = board;
  const used = new Map<string, Money>();
  for (const { currency, usedAmount } of running)
    used.set(currency, addMoney(used.get(currency) ?? NO_MONEY, parseMoney(usedAmount)));
  return JSON.stringify({
    at: new Date(at).toISOString(),
    running,
    tiers,
    usedAmounts: [...used].map(([currency, amount]) => ({
      currency,
      amount: formatAmountTo(amount, 12),
    })),
  });
}
