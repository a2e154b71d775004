/** `tollgate budgets`: how budgets stand and what is forecast of them; `tollgate transfer`: credits from one to another. */
import type { Command } from 'commander';
import { z } from 'zod';
import { trimmed } from '../../base/decimal-text.js';
import {
  compareAmounts,
  formatAmount,
  formatAmountTo,
  NO_CREDITS,
  parseCredits,
  tryParseCredits,
} from '../../base/units.js';
import { creditsNumber } from '../../policies/control/plan-words.js';
import { adminClient } from '../admin-client.js';
import { configuration } from '../configuration.js';
import { minuteText, table, type Terminal } from '../terminal.js';
import { VerbError } from '../verb-error.js';

const standing = z.object({
  periodEndsAt: z.string(),
  limitCredits: z.string().nullable(),
  spentCredits: z.string(),
  heldCredits: z.string(),
  availableCredits: z.string().nullable(),
  carriedCredits: z.string(),
  trueUp: z.object({
    meteredCredits: z.string(),
    loadingCredits: z.string(),
    billedCredits: z.string(),
  }),
  isPassed: z.boolean(),
  passedPercent: z.number().nullable(),
  forecast: z
    .object({ expectedCredits: z.string(), exhaustedAt: z.string().nullable() })
    .nullable(),
});
const budgetView = z.looseObject({
  id: z.string(),
  node: z.string(),
  isHard: z.boolean(),
  standing: standing.nullable(),
});
type BudgetView = z.infer<typeof budgetView>;

const transferred = z.object({
  from: z.string(),
  to: z.string(),
  fromAvailableCredits: z.string().nullable(),
  toAvailableCredits: z.string().nullable(),
});

export function registerBudgets(program: Command, terminal: Terminal): void {
  program
    .command('budgets [node]')
    .description('how the budgets stand, of one node or of all, and what is forecast of them')
    .option('--json', 'print the budgets as the API tells them')
    .action((node: string | undefined, options: { readonly json?: boolean }) =>
      showBudgets(terminal, node, options.json === true),
    );
  program
    .command('transfer <from> <to> <credits>')
    .description(
      'move credits from one budget to another, in the periods that are open; a team stands for its monthly budget',
    )
    .option('--reason <text>', 'why; kept with the transfer')
    .option('--json', 'print the answer of the API')
    .action(
      (
        from: string,
        to: string,
        credits: string,
        options: { readonly reason?: string; readonly json?: boolean },
      ) => transferCredits(terminal, { from, to, creditsText: credits }, options),
    );
}

async function showBudgets(
  terminal: Terminal,
  node: string | undefined,
  isJson: boolean,
): Promise<void> {
  const { config, secrets } = configuration();
  const { rows: all } = await adminClient(config, secrets).list(
    '/api/v1/budgets',
    'budgets',
    budgetView,
  );
  const budgets = node === undefined ? all : all.filter((each) => each.node === node);
  if (budgets.length === 0)
    throw new VerbError(
      node === undefined ? 'There are no budgets.' : `No budget that you may see is on ${node}.`,
    );
  terminal.print(
    isJson ? JSON.stringify({ budgets }) : budgetsText(budgets, terminal.columns).join('\n'),
  );
}

const shown = (text: string): string => creditsNumber(parseCredits(text));

/** Digits behind the point in the table; --json has all twelve. */
const TABLE_DECIMALS = 3;

/** A row each, in credits, and below them what needs somebody's eye. */
function budgetsText(budgets: readonly BudgetView[], columns: number): readonly string[] {
  const credits = (text: string): string => formatAmountTo(parseCredits(text), TABLE_DECIMALS);
  // Limits are written by people, raises by money: 40, but 123.333.
  const shortest = (text: string): string => trimmed(credits(text));
  const rows = budgets.map(({ id, isHard, standing: now }) => {
    const kind = isHard ? 'hard' : 'soft';
    if (now === null) return [id, kind];
    return [
      id,
      kind,
      credits(now.spentCredits),
      credits(now.heldCredits),
      now.limitCredits === null ? '' : shortest(now.limitCredits),
      now.availableCredits === null ? '' : credits(now.availableCredits),
      now.forecast === null ? '' : credits(now.forecast.expectedCredits),
      now.periodEndsAt.slice(0, 10),
    ];
  });
  const notes = budgets.flatMap(noteLines);
  return [
    table(['budget', 'kind', 'spent', 'held', 'limit', 'left', 'forecast', 'ends'], rows, columns),
    ...(notes.length === 0 ? [] : ['', ...notes]),
  ];
}

/** What of one budget its row does not say. */
function noteLines({ id, isHard, standing: now }: BudgetView): readonly string[] {
  if (now === null) return [`${id}: its days do not contain this one`];
  const carried = compareAmounts(parseCredits(now.carriedCredits), NO_CREDITS);
  const notes = [
    ...(carried === 0 ? [] : [`carried from the period before: ${shown(now.carriedCredits)}`]),
    ...trueUpLines(now),
    ...(now.isPassed ? [`the limit is passed${isHard ? '' : '; statements still run'}`] : []),
    ...(now.isPassed || now.forecast === null || now.forecast.exhaustedAt === null
      ? []
      : [`nothing will be left from ${minuteText(now.forecast.exhaustedAt)} on`]),
  ];
  return notes.map((note) => `${id}: ${note}`);
}

/** What of the spent credits did not come with the statements' own ends. */
function trueUpLines({ trueUp }: z.infer<typeof standing>): readonly string[] {
  const lines = [
    ['metering', trueUp.meteredCredits],
    ['loading of warehouses', trueUp.loadingCredits],
    ['the bill', trueUp.billedCredits],
  ] as const;
  const moved = lines.filter(([, text]) => parseCredits(text) !== NO_CREDITS);
  return moved.length === 0
    ? []
    : [`of it: ${moved.map(([what, text]) => `${shown(text)} by ${what}`).join(', ')}`];
}

async function transferCredits(
  terminal: Terminal,
  asked: { readonly from: string; readonly to: string; readonly creditsText: string },
  options: { readonly reason?: string; readonly json?: boolean },
): Promise<void> {
  const { from, to, creditsText } = asked;
  const credits = tryParseCredits(creditsText);
  if (credits === undefined || compareAmounts(credits, NO_CREDITS) <= 0)
    throw new VerbError(`${creditsText} is not an amount of credits; write for example 12.5.`, 2);
  const { config, secrets } = configuration();
  const answer = await adminClient(config, secrets).call(
    `/api/v1/budgets/${encodeURIComponent(from)}/transfers`,
    {
      to,
      credits: formatAmount(credits),
      reason: options.reason ?? 'transferred on the command line',
    },
  );
  if (options.json === true) {
    terminal.print(answer.trim());
    return;
  }
  const moved = transferred.parse(JSON.parse(answer));
  const after = (text: string | null): string => (text === null ? 'unknown' : shown(text));
  terminal.print(
    `Moved ${creditsText} credits from ${moved.from} (${after(moved.fromAvailableCredits)} left) to ${moved.to} (${after(moved.toAvailableCredits)} left).`,
  );
}
