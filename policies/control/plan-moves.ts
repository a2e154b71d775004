/** What a plan says of statements that the later mapping would have charged to somebody else. */
import { canonicalJson } from '#base/canonical-json.js';
import { parseCredits, parseMoney } from '#base/units.js';
import { countText, moneyText } from '../rules/amount-text.js';
import type { ControlDocument } from './document.js';
import { creditsText, sentence } from './plan-words.js';

/** Sums as decimal strings, as a preview of the mapping gives them. */
interface MovedTotals {
  readonly statements: number;
  readonly credits: string;
  readonly amounts: readonly { readonly currency: string; readonly amount: string }[];
}

interface MovedTo {
  readonly kind: 'known' | 'unknown' | 'suspended';
  readonly team: string | null;
}

export interface PreviewedMoves {
  readonly moves: readonly (MovedTotals & { readonly from: MovedTo; readonly to: MovedTo })[];
  readonly undecided: MovedTotals;
}

/** Moves that are told one by one; what is beyond them is counted. */
const MOVES_TOLD_MAX = 20;

/** Whether a change can lead statements to somebody else: otherwise there is nothing to preview. */
export function changesWhoPays(before: ControlDocument, after: ControlDocument): boolean {
  return whoPays(before) !== whoPays(after);
}

function whoPays({ accounts, networks = [], mapping, principals, teams }: ControlDocument): string {
  return canonicalJson({
    accounts: accounts.map(({ id }) => id),
    networks,
    mapping,
    principals: principals.map(({ id, team, status }) => ({ id, team, status })),
    teams: teams.map(({ id }) => id),
  });
}

/** The moves of the last `days` days as sentences, without full stops; empty when nothing moves. */
export function moveSentences(preview: PreviewedMoves, days: number): readonly string[] {
  const told = preview.moves.slice(0, MOVES_TOLD_MAX).map(({ from, to, ...totals }) => {
    const whose = from.team === null ? 'of nobody' : `of ${from.team}`;
    return `${totalsText(totals, whose)} ${endText(from, to)} in the last ${days} days`;
  });
  const rest = preview.moves.length - told.length;
  return [
    ...told,
    ...(rest > 0 ? [`${countText(rest)} more moves between teams are not told here`] : []),
    ...(preview.undecided.statements === 0
      ? []
      : [
          `${totalsText(preview.undecided, 'of the last days')} depend on the caller's network, which is not kept: they may move`,
        ]),
  ].map(sentence);
}

function totalsText({ statements, credits, amounts }: MovedTotals, whose: string): string {
  const count = `${countText(statements)} statement${statements === 1 ? '' : 's'}`;
  const money = amounts.map(({ amount, currency }) => moneyText(parseMoney(amount), currency));
  const inMoney = money.length === 0 ? '' : ` (${money.join(', ')})`;
  return `${count} ${whose} for ${creditsText(parseCredits(credits))}${inMoney}`;
}

function endText(from: MovedTo, to: MovedTo): string {
  switch (to.kind) {
    case 'known':
      return to.team === from.team
        ? 'would have been of another principal of the team'
        : `would have been of ${to.team}`;
    case 'unknown':
      return 'would have been refused: no mapping leads to a team';
    case 'suspended':
      return 'would have been refused: the principal is suspended';
  }
}
