/** `tollgate top`: what runs now and what it takes, as a board that follows; once where nobody looks. */
import { setTimeout as after } from 'node:timers/promises';
import type { Command } from 'commander';
import { adminClient, type AdminClient } from '../admin-client.js';
import { configuration } from '../configuration.js';
import type { Terminal } from '../terminal.js';
import {
  type Board,
  boardJson,
  boardLines,
  markedLine,
  RUNNING_STATEMENT,
  TIER_NOW,
} from '../top/board.js';
import type { Key, OpenScreen, Screen } from '../screen.js';
import { VerbError } from '../verb-error.js';
import { killText } from './kill.js';

interface TopOptions {
  readonly team?: string;
  readonly seconds: string;
  readonly once?: boolean;
  readonly json?: boolean;
}

/** Statements that are asked for. */
const LISTED_MAX = 200;
const HINT = '↑ ↓ choose   k end it   q leave';

export function registerTop(program: Command, terminal: Terminal): void {
  program
    .command('top')
    .description('what runs now, the dearest first, and how full the tiers are; follows until q')
    .option('--team <id>', "only this team's statements")
    .option('--seconds <n>', 'between two looks', '2')
    .option('--once', 'print it once; so it does where output is no terminal')
    .option('--json', 'print it once as JSON')
    .action((options: TopOptions) => top(terminal, options));
}

async function top(terminal: Terminal, options: TopOptions): Promise<void> {
  if (!/^(?:[1-9]\d{0,2})$/.test(options.seconds))
    throw new VerbError(`--seconds is a whole number from 1 to 999, not ${options.seconds}.`, 2);
  const { config, secrets } = configuration();
  const client = adminClient(config, secrets);
  const read = (): Promise<Board> => readBoard(client, options.team);
  const board = await read();
  const { columns, hasColours = false, openScreen } = terminal;
  if (openScreen !== undefined && options.once !== true && options.json !== true) {
    const live = new LiveBoard({ client, read, openScreen, hasColours }, board);
    return await live.follow(Number(options.seconds) * 1000);
  }
  terminal.print(
    options.json === true
      ? boardJson(board)
      : boardLines(board, { columns, hasColours }).join('\n'),
  );
}

async function readBoard(client: AdminClient, team: string | undefined): Promise<Board> {
  const of = team === undefined ? '' : `?team=${encodeURIComponent(team)}`;
  const [running, tiers] = await Promise.all([
    client.list(`/api/v1/running${of}`, 'running', RUNNING_STATEMENT, LISTED_MAX),
    client.list('/api/v1/tiers', 'tiers', TIER_NOW),
  ]);
  return {
    running: running.rows,
    hasMore: running.nextCursor !== null,
    tiers: tiers.rows,
    at: Date.now(),
  };
}

interface LiveBoardParts {
  readonly client: AdminClient;
  readonly read: () => Promise<Board>;
  readonly openScreen: OpenScreen;
  readonly hasColours: boolean;
}

/** The board on a screen, until its reader leaves. */
class LiveBoard {
  readonly #parts: LiveBoardParts;
  readonly #screen: Screen;
  readonly #left = new AbortController();
  #board: Board;
  /** The marked statement stays marked when others come and go. */
  #ticketId: string | undefined;
  /** What is said below the board, until the next key. */
  #note = HINT;
  /** Why the last look failed. */
  #failure: string | undefined;
  /** The statement whose end is to be confirmed. */
  #doomed: string | undefined;

  constructor(parts: LiveBoardParts, board: Board) {
    this.#parts = parts;
    this.#board = board;
    this.#screen = parts.openScreen(
      (key) => void this.#press(key),
      () => this.#draw(),
    );
  }

  async follow(everyMs: number): Promise<void> {
    const { signal } = this.#left;
    try {
      while (!signal.aborted) {
        this.#draw();
        await after(everyMs, undefined, { signal }).catch(() => undefined);
        if (!signal.aborted) await this.#look();
      }
    } finally {
      this.#screen.close();
    }
  }

  /** A look that fails is told below the last board, which stays. */
  async #look(): Promise<void> {
    try {
      this.#board = await this.#parts.read();
      this.#failure = undefined;
    } catch (thrown) {
      if (!(thrown instanceof VerbError)) throw thrown;
      this.#failure = thrown.message;
    }
  }

  get #selected(): number {
    return Math.max(
      0,
      this.#board.running.findIndex(({ ticketId }) => ticketId === this.#ticketId),
    );
  }

  async #press({ name }: Key): Promise<void> {
    this.#note = HINT;
    if (this.#doomed !== undefined) await this.#confirm(this.#doomed, name === 'y');
    else if (name === 'q') this.#left.abort();
    else if (name === 'up' || name === 'down') {
      const next = this.#board.running[this.#selected + (name === 'up' ? -1 : 1)];
      this.#ticketId = next?.ticketId ?? this.#ticketId;
    } else if (name === 'k') {
      this.#doomed = this.#board.running[this.#selected]?.ticketId;
      if (this.#doomed !== undefined)
        this.#note = `End ${this.#doomed}? What it used so far is charged. y ends it, any other key does not.`;
    }
    this.#draw();
  }

  async #confirm(ticketId: string, isYes: boolean): Promise<void> {
    this.#doomed = undefined;
    if (!isYes) return;
    try {
      const answer = await this.#parts.client.call(`/api/v1/tickets/${ticketId}/kill`, {
        reason: 'ended from tollgate top',
      });
      this.#note = killText(ticketId, answer);
    } catch (thrown) {
      this.#note = thrown instanceof VerbError ? thrown.message : 'It could not be ended.';
    }
  }

  #draw(): void {
    if (this.#left.signal.aborted) return;
    const { columns, rows } = this.#screen;
    const layout = {
      columns,
      rows: rows - 3,
      hasColours: this.#parts.hasColours,
      selected: this.#selected,
    };
    const note = this.#failure ?? this.#note;
    const below = [markedLine(this.#board, layout), note.slice(0, columns)];
    this.#screen.draw([...boardLines(this.#board, layout), '', ...below]);
  }
}
