/** `tollgate anomalies`: hours and days of unusual spending, who answers for them, and saying what one was. */
import type { Command } from 'commander';
import { z } from 'zod';
import { formatAmountTo, parseCredits } from '../../base/units.js';
import { adminClient } from '../admin-client.js';
import { configuration } from '../configuration.js';
import {
  HISTORY_ROWS,
  LIMIT,
  LIMIT_HELP,
  listJson,
  rowsMaxOf,
  tellOfMore,
} from '../list-options.js';
import { freeText, table, type Terminal } from '../terminal.js';
import { VerbError } from '../verb-error.js';

interface AnomaliesOptions {
  readonly open?: boolean;
  readonly acknowledge?: string;
  readonly reason?: string;
  readonly limit: string;
  readonly json?: boolean;
}

const ANOMALY = z.object({
  id: z.string(),
  team: z.string(),
  grain: z.enum(['hour', 'day']),
  startsAt: z.string(),
  spentCredits: z.string(),
  usualCredits: z.string(),
  shapes: z.array(
    z.object({
      fingerprint: z.string(),
      workload: z.string().nullable(),
      percent: z.string(),
    }),
  ),
  owner: z.string().nullable(),
  acknowledgedBy: z.string().nullable(),
  note: z.string().nullable(),
});
type Anomaly = z.infer<typeof ANOMALY>;

export function registerAnomalies(program: Command, terminal: Terminal): void {
  program
    .command('anomalies')
    .description('hours and days of unusual spending, the newest first')
    .option('--open', 'only those that nobody has acknowledged')
    .option('--acknowledge <id>', 'say that one was looked at')
    .option('--reason <text>', 'what it was; with --acknowledge')
    .option(LIMIT, LIMIT_HELP, HISTORY_ROWS)
    .option('--json', 'print the answer of the API')
    .action((options: AnomaliesOptions) => anomalies(terminal, options));
}

async function anomalies(terminal: Terminal, options: AnomaliesOptions): Promise<void> {
  const { acknowledge, reason, open, limit, json } = options;
  // The first word on an anomaly stays, so it is a person's and none of ours.
  if ((acknowledge === undefined) !== (reason === undefined))
    throw new VerbError(
      '--acknowledge and --reason go together: say which anomaly, and what it was.',
      2,
    );
  const { config, secrets } = configuration();
  const client = adminClient(config, secrets);
  if (acknowledge !== undefined) {
    const one = `/api/v1/anomalies/${encodeURIComponent(acknowledge)}`;
    const answer = await client.call(`${one}/acknowledge`, { reason });
    return terminal.print(json === true ? answer.trim() : acknowledged(answer));
  }
  const path = `/api/v1/anomalies${open === true ? '?open=true' : ''}`;
  const read = await client.list(path, 'anomalies', z.unknown(), rowsMaxOf(limit));
  tellOfMore(terminal, read);
  terminal.print(
    json === true ? listJson('anomalies', read) : layOutAnomalies(read.rows, terminal.columns),
  );
}

function acknowledged(answer: string): string {
  const { id, team, acknowledgedBy, note } = known(ANOMALY, JSON.parse(answer));
  return `Anomaly ${id} of ${team} is acknowledged by ${acknowledgedBy ?? 'nobody'}: ${note ?? ''}`;
}

/** The list for people: one row each, with where most of it went and what became of it. */
export function layOutAnomalies(found: readonly unknown[], columns: number): string {
  const listed = known(z.array(ANOMALY), found);
  if (listed.length === 0) return 'Nothing unusual was spent.';
  const rows = listed.map((each) => [
    each.id,
    whenOf(each),
    each.team,
    creditsText(each.spentCredits),
    creditsText(each.usualCredits),
    mostOf(each),
    each.owner ?? '',
    each.acknowledgedBy === null ? 'open' : `${each.acknowledgedBy}: ${each.note ?? ''}`,
  ]);
  const heads = [
    'id',
    'when',
    'team',
    'credits',
    'usual',
    freeText('most of it'),
    'owner',
    freeText('looked at'),
  ];
  return table(heads, rows, columns);
}

function whenOf({ grain, startsAt }: Anomaly): string {
  return grain === 'day' ? startsAt.slice(0, 10) : startsAt.slice(0, 16).replace('T', ' ');
}

/** The dearest shape, by its workload where it has one. */
function mostOf({ shapes }: Anomaly): string {
  const [first] = shapes;
  if (first === undefined) return '';
  return `${first.percent} % ${first.workload ?? first.fingerprint.slice(0, 8)}`;
}

function creditsText(credits: string): string {
  return formatAmountTo(parseCredits(credits), 3);
}

function known<T>(schema: z.ZodType<T>, answer: unknown): T {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new VerbError('The admin API answered with something that is not about anomalies.');
}
