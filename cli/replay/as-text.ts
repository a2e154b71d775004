/** The figures of a replay on a terminal: what it read, how good estimates were, who would have been told what. */
import { tgLabel } from '../../base/errors.js';
import { compareAmounts, type Credits, type Money, NO_CREDITS } from '../../base/units.js';
import type { ControlSnapshot } from '../../policies/control/snapshot.js';
import { countText, moneyText, nameText } from '../../policies/rules/amount-text.js';
import { readable } from '../../proxy/surface/explain-cost.js';
import { wrap } from '../plan-text.js';
import { freeText, table } from '../terminal.js';
import type { AccuracyFigures } from './accuracy.js';
import type { Intake } from './history-source.js';
import type { ReplayFigures, Turned } from './tally.js';

const TURNED_SHOWN_MAX = 12;
const WAREHOUSES_SHOWN_MAX = 12;

/** @param snapshot null: without a control document. */
export function replayText(
  figures: ReplayFigures,
  intake: Intake,
  snapshot: ControlSnapshot | null,
  columns: number,
): string {
  const currency = snapshot?.document.organisation.currency ?? null;
  return [
    ...wrap(readText(figures, intake), columns, '', ''),
    ...intake.consequences.flatMap((sentence) => wrap(sentence, columns, '', '  ')),
    '',
    'Estimates',
    table(
      ['basis', ...ACCURACY_HEADERS],
      [
        ...figures.byBasis.map((each) => [each.basis, ...accuracyCells(each)]),
        ...(figures.byBasis.length > 1 ? [['all', ...accuracyCells(figures.overall)]] : []),
      ],
      columns,
    ),
    ...warehouseLines(figures, columns),
    '',
    ...(currency === null
      ? wrap(
          'No control document was given, so nothing was decided: name one with --control.',
          columns,
          '',
          '',
        )
      : decisionLines(figures, currency, columns)),
  ].join('\n');
}

function readText({ rows, unscored }: ReplayFigures, { leftOut }: Intake): string {
  const left = leftOut.unreadable + leftOut.unfinished + leftOut.repeated;
  const without = left === 0 ? '' : `, ${countText(left)} more left out`;
  return `${countText(rows)} statements read${without}; ${countText(rows - unscored)} of them ended well on a warehouse and are scored.`;
}

const ACCURACY_HEADERS = [
  'statements',
  'q-error p50',
  'p90',
  'p99',
  'covered',
  'held ÷ used',
  'seconds p50',
  'p90',
] as const;

function accuracyCells(figures: AccuracyFigures): readonly string[] {
  const factor = (value: number | null): string => (value === null ? '–' : value.toFixed(2));
  const { coverage } = figures;
  return [
    countText(figures.rows),
    factor(figures.qErrorP50),
    factor(figures.qErrorP90),
    factor(figures.qErrorP99),
    coverage === null ? '–' : `${(coverage * 100).toFixed(1)}%`,
    factor(figures.heldOverActual),
    factor(figures.secondsQErrorP50),
    factor(figures.secondsQErrorP90),
  ];
}

function warehouseLines({ byWarehouse }: ReplayFigures, columns: number): readonly string[] {
  if (byWarehouse.length < 2) return [];
  const shown = [...byWarehouse].sort((a, b) => b.rows - a.rows).slice(0, WAREHOUSES_SHOWN_MAX);
  return [
    '',
    table(
      ['warehouse', ...ACCURACY_HEADERS],
      shown.map((each) => [nameText(each.warehouse, 40), ...accuracyCells(each)]),
      columns,
    ),
  ];
}

function decisionLines(
  figures: ReplayFigures,
  currency: string,
  columns: number,
): readonly string[] {
  const { decisions, turned } = figures;
  const saved = savedText(figures.savedCredits, figures.savedMoney, currency);
  return [
    'Decisions',
    table(
      ['allowed', 'queued', 'refused', 'stopped', 'warned'],
      [
        [
          decisions.allowed,
          decisions.queued,
          decisions.refused,
          decisions.stopped,
          figures.warned,
        ].map(countText),
      ],
      columns,
    ),
    '',
    ...wrap(
      `Of ${readable(figures.usedCredits)} credits used, ${saved} would not have been; ${countText(figures.falseAlarms)} refusals by an amount would have been for statements that used less.`,
      columns,
      '',
      '',
    ),
    ...(turned.length === 0 ? [] : ['', turnedTable(turned, currency, columns)]),
  ];
}

function turnedTable(turned: readonly Turned[], currency: string, columns: number): string {
  return table(
    [
      'code',
      freeText('refused or stopped by'),
      'statements',
      'credits saved',
      'money saved',
      'false alarms',
    ],
    turned
      .slice(0, TURNED_SHOWN_MAX)
      .map((each) => [
        tgLabel(each.code),
        nameText(each.by, 60),
        countText(each.statements),
        readable(each.savedCredits),
        moneyText(each.savedMoney, currency),
        countText(each.falseAlarms),
      ]),
    columns,
  );
}

function savedText(credits: Credits, money: Money, currency: string): string {
  return compareAmounts(credits, NO_CREDITS) === 0
    ? 'none'
    : `${readable(credits)} (${moneyText(money, currency)})`;
}
