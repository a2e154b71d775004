/** `tollgate grant paces` and `lift`: shapes that repeat above a run rate, and letting one run for a while. */
import type { Command } from 'commander';
import { z } from 'zod';
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
import { shortAmount } from './amount.js';

interface Options {
  readonly team?: string;
  readonly until?: string;
  readonly reason?: string;
  readonly limit?: string;
  readonly json?: boolean;
}

const SHAPE = z.object({
  team: z.string(),
  fingerprint: z.string(),
  statementShape: z.string(),
  runRate: z.string(),
  rung: z.string(),
  mode: z.string(),
  projectedAmount: z.string(),
  spentAmount: z.string(),
  currency: z.string(),
  liftedUntil: z.string().nullable(),
});
const LIFTED = z.object({ liftedUntil: z.string() });
const WORDS: Readonly<Record<string, string>> = {
  warn: 'told',
  slow: 'slowed',
  stop: 'stopped',
};

export function registerPaceVerbs(grant: Command, terminal: Terminal): void {
  grant
    .command('paces')
    .description('shapes that repeat above a run rate, with what 30 days of each would take')
    .option('--team <id>', 'of one team')
    .option(LIMIT, LIMIT_HELP, HISTORY_ROWS)
    .option('--json', 'print the answer of the API')
    .action((options: Options) => paces(terminal, options));
  grant
    .command('lift <team> <shape>')
    .description('let a shape (its fingerprint, as paces prints it) run whatever its pace is')
    .option('--until <time>', 'friday, 2026-12-01, 2026-12-01T18:00:00Z or 4h; 24h unless given')
    .option('--reason <text>', 'why; kept in the audit log')
    .option('--json', 'print the answer of the API')
    .action((team: string, shape: string, options: Options) =>
      lift(terminal, team, shape, options),
    );
}

async function paces(
  terminal: Terminal,
  { team, limit = HISTORY_ROWS, json }: Options,
): Promise<void> {
  const rowsMax = rowsMaxOf(limit);
  const { config, secrets } = configuration();
  const path = `/api/v1/run-rates${team === undefined ? '' : `?team=${encodeURIComponent(team)}`}`;
  const read = await adminClient(config, secrets).list(path, 'shapes', z.unknown(), rowsMax);
  tellOfMore(terminal, read);
  if (json === true) return terminal.print(listJson('shapes', read));
  const shapes = z.array(SHAPE).parse(read.rows);
  if (shapes.length === 0) return terminal.print('No shape is above a run rate.');
  const rows = shapes.map((each) => [
    each.team,
    each.fingerprint,
    each.runRate,
    each.liftedUntil === null ? stateOf(each) : `lifted until ${each.liftedUntil}`,
    shortAmount(each.projectedAmount, each.currency),
    shortAmount(each.spentAmount, each.currency),
    each.statementShape.replaceAll(/\s+/g, ' '),
  ]);
  const head = ['team', 'shape', 'run rate', 'state', '30 days', 'spent', freeText('statement')];
  terminal.print(table(head, rows, terminal.columns));
}

function stateOf({ rung, mode }: z.infer<typeof SHAPE>): string {
  const word = WORDS[rung] ?? rung;
  return mode === 'enforce' ? word : `${word} (${mode} only)`;
}

async function lift(
  terminal: Terminal,
  team: string,
  fingerprint: string,
  { until = '24h', reason, json }: Options,
): Promise<void> {
  if (!/^[0-9a-f]{32}$/.test(fingerprint))
    throw new VerbError(
      `${fingerprint.slice(0, 80)} is not a fingerprint; \`tollgate grant paces\` prints them.`,
      2,
    );
  const { config, secrets } = configuration();
  const body = { team, fingerprint, until, reason: reason ?? 'lifted on the command line' };
  const answer = await adminClient(config, secrets).call('/api/v1/run-rates/lifts', body);
  if (json === true) return terminal.print(answer.trim());
  const { liftedUntil } = LIFTED.parse(JSON.parse(answer));
  terminal.print(
    `Lifted: ${fingerprint} of ${team} runs whatever its pace is, until ${liftedUntil}.`,
  );
}
