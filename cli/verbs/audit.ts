/** `tollgate audit`: who changed what and why, and the proof that the log is whole. `verify` of a file works alone. */
import { createReadStream } from 'node:fs';
import type { Command } from 'commander';
import { z } from 'zod';
import { type ChainOutcome, verifyChain } from '../../admin/audit-chain.js';
import { toError } from '../../base/errors.js';
import { adminClient, type AdminClient } from '../admin-client.js';
import { configuration } from '../configuration.js';
import { table, type Terminal } from '../terminal.js';
import { linesOf } from '../text-lines.js';
import { VerbError } from '../verb-error.js';

interface ListOptions {
  readonly subject?: string;
  readonly limit?: string;
  readonly json?: boolean;
}

interface VerifyOptions {
  readonly head?: string;
  readonly json?: boolean;
}

const EXPORT = '/api/v1/audit/export.jsonl';

const EVENTS = z.object({
  events: z.array(
    z.object({
      sequence: z.number(),
      occurredAt: z.string(),
      actor: z.string(),
      action: z.string(),
      subject: z.string(),
      reason: z.string().nullable(),
    }),
  ),
});
const HEAD = z.object({ hash: z.string() });

export function registerAudit(
  program: Command,
  terminal: Terminal,
  finish: (exitCode: number) => void,
): void {
  const audit = program.command('audit').description('every change, who made it and why');
  audit
    .command('list')
    .description('the newest events')
    .option('--subject <thing>', 'of one thing, such as budget/marketing-monthly')
    .option('--limit <count>', 'how many, at most 500', '50')
    .option('--json', 'print the answer of the API')
    .action((options: ListOptions) => list(terminal, options));
  audit
    .command('export')
    .description('the whole log, an event a line, for `tollgate audit verify <file>`')
    .option('--json', 'no difference: every line is JSON')
    .action(async () => {
      for await (const line of client().lines(EXPORT)) terminal.print(line);
    });
  audit
    .command('verify [file]')
    .description('recompute every hash of an exported log; without a file, of the log as it is now')
    .option('--head <hash>', 'hash of an event that must be in it, kept from an earlier look')
    .option('--json', 'as JSON')
    .action(async (file: string | undefined, options: VerifyOptions) => {
      const outcome = await verify(file, options.head);
      terminal.print(options.json === true ? JSON.stringify(outcome) : inWords(outcome, options));
      finish(outcome.kind === 'intact' ? 0 : 1);
    });
}

async function list(terminal: Terminal, options: ListOptions): Promise<void> {
  const { subject, limit = '50' } = options;
  if (!/^[1-9]\d{0,2}$/.test(limit) || Number(limit) > 500)
    throw new VerbError(`${limit} is not a number of events; write 1 to 500.`, 2);
  const query = new URLSearchParams({ limit, ...(subject === undefined ? {} : { subject }) });
  const answer = await client().call(`/api/v1/audit?${query.toString()}`);
  if (options.json === true) return terminal.print(answer.trim());
  const { events } = EVENTS.parse(JSON.parse(answer));
  if (events.length === 0) return terminal.print('Nothing was changed yet.');
  const headers = ['#', 'when', 'who', 'did', 'to', 'why'];
  const rows = events.map((event) =>
    [
      String(event.sequence),
      event.occurredAt,
      event.actor,
      event.action,
      event.subject,
      event.reason ?? '',
    ].map(onOneLine),
  );
  terminal.print(table(headers, rows, terminal.columns));
}

/** What people wrote, without line ends and without anything that a terminal obeys. */
function onOneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ');
}

async function verify(file: string | undefined, head: string | undefined): Promise<ChainOutcome> {
  if (head !== undefined && !/^[0-9a-f]{64}$/.test(head))
    throw new VerbError('--head takes the 64 hexadecimal digits of a hash.', 2);
  if (file !== undefined) return verifyChain(linesOfFile(file), head);
  const api = client();
  const known = head ?? HEAD.parse(JSON.parse(await api.call('/api/v1/audit/head'))).hash;
  return verifyChain(api.lines(EXPORT), known);
}

async function* linesOfFile(file: string): AsyncGenerator<string> {
  try {
    yield* linesOf(createReadStream(file));
  } catch (thrown) {
    if (thrown instanceof VerbError) throw thrown;
    throw new VerbError(`${file} cannot be read (${toError(thrown).message}).`, 2);
  }
}

function inWords(outcome: ChainOutcome, options: VerifyOptions): string {
  switch (outcome.kind) {
    case 'intact': {
      const hint =
        options.head === undefined
          ? ' Keep this head elsewhere: with --head a log that lost its end is found.'
          : '';
      return `Intact: ${outcome.events} events, head ${outcome.head}.${hint}`;
    }
    case 'broken':
      return `Broken: event ${outcome.sequence} does not fit: ${outcome.why}.`;
    case 'shortened':
      return `Shortened: the known head is not among the ${outcome.events} events, which end with ${outcome.head}.`;
  }
}

function client(): AdminClient {
  const { config, secrets } = configuration();
  return adminClient(config, secrets);
}
