/** What the demo says at its end: the month, each team's minute, and where to look now. */
import { z } from 'zod';
import { formatAmountTo, NO_CREDITS, parseMoney } from '../../base/units.js';
import { DEMO_RUNAWAY } from '../../policies/control/demo.js';
import type { AdminClient } from '../admin-client.js';
import { table } from '../terminal.js';
import type { Outcome, Tally } from './analyst.js';
import type { SeededMonth } from './seeded-month.js';
import { RUNAWAY_TEAM } from './statements.js';
import { outcomeText, type Traffic } from './traffic.js';

/** The month in one line. */
export function monthText({ month, statements, importedRows }: SeededMonth): string {
  const seeded =
    statements === null
      ? `${month} was in the warehouse's log already`
      : `${month} is written: ${statements} statements of fifteen teams`;
  const imported =
    importedRows === null ? 'imported already' : `${importedRows} rows of usage imported`;
  return `${seeded}; ${imported}.`;
}

/** A row a team, and what became of the runaway. */
export function trafficText({ tallies, spentCredits, runaway }: Traffic, columns: number): string {
  const rows = tallies.map((tally) => [
    tally.team,
    String(tally.answered),
    String(tally.refused),
    String(tally.failed),
    quantileText(tally, 0.5),
    quantileText(tally, 0.95),
    formatAmountTo(spentCredits.get(tally.team) ?? NO_CREDITS, 6),
  ]);
  const [refusal] = tallies.flatMap((tally) => tally.refusal ?? []);
  const [failure] = tallies.flatMap((tally) => tally.failure ?? []);
  return [
    table(['team', 'answered', 'refused', 'failed', 'p50 ms', 'p95 ms', 'credits'], rows, columns),
    '',
    ...(refusal === undefined ? [] : [`Refused, for example: ${refusal}`]),
    ...(failure === undefined ? [] : [`Failed, for example: ${failure}`]),
    `The runaway of ${RUNAWAY_TEAM}: ${outcomeText(runaway)}`,
    `  ${endedBy(runaway)}`,
  ].join('\n');
}

/** What ended the runaway, and where that is written. */
function endedBy(runaway: Outcome): string {
  const { rule, warehouse, aloneMs } = DEMO_RUNAWAY;
  const [code = ''] = runaway.kind === 'answered' ? [] : runaway.says.split(' ', 1);
  if (code === 'TG4001')
    return `Its ceiling ended it: the rule ${rule} gives it what ${warehouse} uses in ${aloneMs / 1000} s.`;
  if (code === 'TG4003')
    return `No ceiling ended it, so the demo killed it: the document in force has no rule like ${rule}.`;
  return `Its ceiling did not end it; the rule for that is ${rule}.`;
}

function quantileText({ elapsedMs }: Tally, share: number): string {
  if (elapsedMs.length === 0) return '';
  const sorted = elapsedMs.toSorted((a, b) => a - b);
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(0);
}

const BILL = z.object({ status: z.string(), totalAmount: z.string(), currency: z.string() });

/** The line of a team's bill of a month. */
export async function billText(client: AdminClient, team: string, month: string): Promise<string> {
  const answer = await client.call(`/api/v1/bills/${team}/${month}.json`);
  const { status, totalAmount, currency } = BILL.parse(JSON.parse(answer));
  return `Bill of ${team} for ${month} (${status}): ${formatAmountTo(parseMoney(totalAmount), 2)} ${currency}`;
}

/** Where to look. @param month the seeded one. @param present the one that the traffic was in. */
export function whereToLook(origin: string, month: string, present: string): string {
  const verb = 'node bin/tollgate.js';
  const places: readonly (readonly [where: string, what: string])[] = [
    [`${origin}/`, 'the console'],
    [`${verb} cost --month ${month}`, 'what the month cost, by team'],
    [
      `${verb} cost --month ${month} --bypass`,
      'what went past Tollgate, and how to close that way',
    ],
    [`${verb} bill ${RUNAWAY_TEAM} ${present}`, 'what a team owes for the present month'],
    [`${verb} grant list`, 'what waits for somebody'],
    ['docker compose up', 'with Grafana: money now, team, finance month, query shapes, platform'],
  ];
  const width = Math.max(...places.map(([where]) => where.length));
  return ['Look at', ...places.map(([where, what]) => `  ${where.padEnd(width)}  ${what}`)].join(
    '\n',
  );
}
