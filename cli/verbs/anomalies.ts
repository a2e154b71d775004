/** `tollgate anomalies`: hours and days of unusual spending, who answers for them, and saying what one was. */
import type { Command } from 'commander';
import { z } from 'zod';
import { formatAmountTo, parseCredits } from '../../base/units.js';
import { adminClient } from '../admin-client.js';
import { configuration } from '../configuration.js';
import { freeText, table, type Terminal } from '../terminal.js';
import { VerbError } from '../verb-error.js';

interface AnomaliesOptions {
  readonly open?: boolean;
  readonly acknowledge?: string;
  readonly reason?: string;
  readonly json?: boolean;
}

/** Most that one page of the API has. */
const SHOWN_MAX = 500;

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
const LIST = z.object({ anomalies: z.array(ANOMALY), nextCursor: z.string().nullable() });

export function registerAnomalies(program: Command, terminal: Terminal): void {
  program
    .command('anomalies')
    .description('hours and days of unusual spending, the newest first')
    .option('--open', 'only those that nobody has acknowledged')
    .option('--acknowledge <id>', 'say that one was looked at')
    .option('--reason <text>', 'what it was; with --acknowledge')
    .option('--json', 'print the answer of the API')
    .action((options: AnomaliesOptions) => anomalies(terminal, options));
}

async function anomalies(terminal: Terminal, options: AnomaliesOptions): Promise<void> {
  const { acknowledge, reason, open, json } = options;
  // The first word on an anomaly stays, so it is a person's and none of ours.
  if ((acknowledge === undefined) !== (reason === undefined))
    throw new VerbError(
      '--acknowledge and --reason go together: say which anomaly, and what it was.',
      2,
    );
  const { config, secrets } = configuration();
  const client = adminClient(config, secrets);
  if (acknowledge !== undefined) {
    const path = `/api/v1/anomalies/${encodeURIComponent(acknowledge)}/acknowledge`;
    const answer = await client.call(path, { reason });
    return terminal.print(json === true ? answer.trim() : acknowledged(answer));
  }
  const filter = open === true ? '&open=true' : '';
  const answer = await client.call(`/api/v1/anomalies?limit=${SHOWN_MAX}${filter}`);
  terminal.print(json === true ? answer.trim() : layOutAnomalies(answer, terminal.columns));
}

function acknowledged(answer: string): string {
  const { id, team, acknowledgedBy, note } = read(ANOMALY, answer);
  return `Anomaly ${id} of ${team} is acknowledged by ${acknowledgedBy ?? 'nobody'}: ${note ?? ''}`;
}

/** The list for people: one row each, with where most of it went and what became of it. */
export function layOutAnomalies(answer: string, columns: number): string {
  const { anomalies: listed, nextCursor } = read(LIST, answer);
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
  const shown = table(heads, rows, columns);
  return nextCursor === null
    ? shown
    : `${shown}\n\nOlder ones are there too: GET /api/v1/anomalies?cursor=…, or --json with its nextCursor.`;
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

function read<T>(schema: z.ZodType<T>, answer: string): T {
  const parsed = schema.safeParse(JSON.parse(answer));
  if (parsed.success) return parsed.data;
  throw new VerbError('The admin API answered with something that is not about anomalies.');
}
