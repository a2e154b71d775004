/** A plan on a terminal, however narrow: grouped by part, one sentence a change, money, history, notices, what is next. */
import { compareAmounts, parseCredits, parseMoney, subtractMoney } from '../base/units.js';
import { creditsNumber, moneyDelta, sentence } from '../policies/control/plan-words.js';
import { moneyText } from '../policies/rules/amount-text.js';
import type { ChangeView, MoneyView, PlanView, VersionView } from './plan-reply.js';

const SIGNS = { added: '+', changed: '~', removed: '-' } as const;
/** Most changes that are printed for people; `--json` has them all. */
const CHANGES_SHOWN_MAX = 200;

const TITLES: Readonly<Record<string, string>> = {
  document: 'Organisation',
  prices: 'Prices',
  mapping: 'Mapping',
};

/** The whole plan of `file` for a terminal of `columns`. */
export function planText(plan: PlanView, file: string, columns: number): string {
  const head = `${file} against ${versionText(plan.inForce)}`;
  const body = plan.isChanged
    ? [
        ...changeLines(plan.changes, plan.changesTotal, columns),
        '',
        ...wrap(`Teams' monthly budgets: ${monthlyText(plan.teamsMonthly)}`, columns, '', ''),
      ]
    : wrap('Nothing would change.', columns, '', '');
  return [
    ...wrap(head, columns, '', ''),
    '',
    ...body,
    ...section('The ledger', plan.lastDays, columns),
    ...section(
      'To know',
      plan.notices.map(({ text }) => text),
      columns,
    ),
  ].join('\n');
}

/** `version 3 (admin-token, 2026-11-25 10:00 UTC: a campaign)`. */
export function versionText({ version, author, reason, createdAt }: VersionView): string {
  if (version === 0) return 'nothing: no control document is in force yet';
  const when = `${createdAt.slice(0, 16).replace('T', ' ')} UTC`;
  return sentence(`version ${version} (${author}, ${when}: ${reason})`);
}

/** `600 → 810 credits, $1,800.00 → $2,430.00 (+$630.00)`. */
export function monthlyText(money: MoneyView): string {
  const { creditsBefore, creditsAfter, amountBefore, amountAfter, currency } = money;
  const [was, is] = [creditsBefore, creditsAfter].map((text) => creditsNumber(parseCredits(text)));
  const credits = was === is ? `${is} credits as before` : `${was} → ${is} credits`;
  if (amountAfter === null) return `${credits}; no price is in force`;
  const later = parseMoney(amountAfter);
  if (amountBefore === null) return `${credits}, ${moneyText(later, currency)}`;
  const earlier = parseMoney(amountBefore);
  if (compareAmounts(earlier, later) === 0) return `${credits}, ${moneyText(later, currency)}`;
  const delta = moneyDelta(subtractMoney(later, earlier), currency);
  return `${credits}, ${moneyText(earlier, currency)} → ${moneyText(later, currency)} (${delta})`;
}

/** Changes under the title of their part, each with `+`, `~` or `-`. */
export function changeLines(
  changes: readonly ChangeView[],
  total: number,
  columns: number,
): readonly string[] {
  const shown = changes.slice(0, CHANGES_SHOWN_MAX);
  let part = '';
  const lines = shown.flatMap((change) => {
    const title = change.part === part ? [] : [titleOf(change.part)];
    part = change.part;
    return [...title, ...wrap(change.text, columns, `  ${SIGNS[change.change]} `, '    ')];
  });
  const more = total - shown.length;
  return more > 0 ? [...lines, `  and ${more} more; --json lists them all`] : lines;
}

function titleOf(part: string): string {
  return TITLES[part] ?? `${part.charAt(0).toUpperCase()}${part.slice(1)}`;
}

/** A heading with one bullet a sentence; nothing when there are none. */
export function section(
  title: string,
  sentences: readonly string[],
  columns: number,
): readonly string[] {
  if (sentences.length === 0) return [];
  return ['', title, ...sentences.flatMap((text) => wrap(text, columns, '  · ', '    '))];
}

/** `text` in lines no wider than `columns`, cut at blanks; a word that is too long stands alone. */
export function wrap(
  text: string,
  columns: number,
  first: string,
  others: string,
): readonly string[] {
  const lines: string[] = [];
  let line = first;
  let isEmpty = true;
  for (const word of text.split(/\s+/)) {
    const wider = isEmpty ? `${line}${word}` : `${line} ${word}`;
    if (!isEmpty && Array.from(wider).length > columns) {
      lines.push(line);
      line = `${others}${word}`;
    } else {
      line = wider;
    }
    isEmpty = false;
  }
  return [...lines, line];
}
