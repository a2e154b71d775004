/** The figures of a replay as one JSON object. Amounts are exact decimal strings with their unit in the name. */
import { tgLabel } from '../../base/errors.js';
import { formatAmount } from '../../base/units.js';
import type { ControlSnapshot } from '../../policies/control/snapshot.js';
import type { Intake } from './history-source.js';
import type { ReplayFigures } from './tally.js';

/** @param snapshot null: without a control document, so that nothing was refused and nothing has a price. */
export function replayJson(
  figures: ReplayFigures,
  intake: Intake,
  snapshot: ControlSnapshot | null,
): Readonly<Record<string, unknown>> {
  const money = snapshot !== null;
  return {
    kind: 'replay',
    rows: figures.rows,
    byBasis: figures.byBasis,
    decisions: figures.decisions,
    overall: figures.overall,
    byWarehouse: figures.byWarehouse,
    unscored: figures.unscored,
    warned: figures.warned,
    falseAlarms: figures.falseAlarms,
    usedCredits: formatAmount(figures.usedCredits),
    savedCredits: formatAmount(figures.savedCredits),
    savedAmount: money ? formatAmount(figures.savedMoney) : null,
    currency: snapshot?.document.organisation.currency ?? null,
    turned: figures.turned.map((each) => ({
      by: each.by,
      code: tgLabel(each.code),
      statements: each.statements,
      savedCredits: formatAmount(each.savedCredits),
      savedAmount: formatAmount(each.savedMoney),
      falseAlarms: each.falseAlarms,
    })),
    breaks: figures.breaks,
    leftOut: intake.leftOut,
    columns: intake.columns,
    consequences: intake.consequences,
  };
}
