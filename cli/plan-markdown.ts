/** A plan as the comment of a pull request: Markdown that a reviewer reads without the tool at hand. */
import { parseCredits, parseMoney } from '../base/units.js';
import { creditsNumber, moneyDelta } from '../policies/control/plan-words.js';
import type { PlacedProblem } from '../policies/control/text.js';
import { problemText } from '../policies/control/text.js';
import type { ChangeView, PlanView, VersionView } from './plan-reply.js';
import { monthlyText, versionText } from './plan-text.js';

/** GitHub takes 65,536 characters; the rest of the comment needs a few thousand. */
const DETAILS_LENGTH_MAX = 50_000;
const ROWS_MAX = 30;
const SENTENCES_MAX = 30;
const MARKS = { added: 'new', changed: 'changed', removed: 'removed' } as const;

/** The comment for a plan of `file`. */
export function planMarkdown(plan: PlanView, file: string): string {
  const { version } = plan.inForce;
  const count = plan.changesTotal === 1 ? '1 change' : `${plan.changesTotal} changes`;
  return [
    `## Tollgate plan of ${code(file)}`,
    '',
    `**${plan.isChanged ? count : 'No change'}** against ${escaped(versionText(plan.inForce))}.`,
    '',
    ...(plan.isChanged ? summaryTable(plan) : []),
    ...list('The ledger', plan.lastDays),
    ...(plan.isChanged ? details(plan.changes, plan.changesTotal) : []),
    ...list(
      'To know',
      plan.notices.map(({ text }) => text),
    ),
    '### Next',
    '',
    plan.isChanged
      ? `After the merge: ${code(`tollgate apply ${file} --expect-version ${version} --reason "<why>"`)}.${version === 0 ? '' : ` Back again: ${code(`tollgate rollback ${version} --reason "<why>"`)}.`}`
      : 'Nothing is to be applied.',
  ].join('\n');
}

/** The comment for a file that is not valid. */
export function problemsMarkdown(file: string, problems: readonly PlacedProblem[]): string {
  const shown = problems.slice(0, SENTENCES_MAX);
  const more = problems.length - shown.length;
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  return [
    `## Tollgate plan of ${code(file)}`,
    '',
    `**Not valid: ${count}.** Nothing was planned.`,
    '',
    '| line | what is wrong |',
    '| ---: | --- |',
    ...shown.map((each) => `| ${each.line}:${each.column} | ${escaped(problemText(each))} |`),
    ...(more > 0 ? [`| | and ${more} more |`] : []),
  ].join('\n');
}

/** The comment for a file that the database does not, or does, agree with. */
export function driftMarkdown(
  file: string,
  inForce: VersionView,
  changes: readonly ChangeView[],
  versions: readonly VersionView[],
): string {
  const isDrifted = changes.length > 0;
  return [
    `## Tollgate drift of ${code(file)}`,
    '',
    isDrifted
      ? `**The database differs from the file**; in force is ${escaped(versionText(inForce))}.`
      : `**No drift.** In force is ${escaped(versionText(inForce))}.`,
    '',
    ...(isDrifted ? details(changes, changes.length, 'What the database has otherwise') : []),
    ...list('The newest versions', versions.map(versionText)),
    '### Next',
    '',
    isDrifted
      ? `Take the changes into the file, or put the file in force: ${code(`tollgate apply ${file} --expect-version ${inForce.version} --reason "<why>"`)}.`
      : 'Nothing is to be done.',
  ].join('\n');
}

function summaryTable({ changes, teamsMonthly }: PlanView): readonly string[] {
  const priced = changes.filter(({ deltaCredits }) => deltaCredits !== null);
  const rows = priced.slice(0, ROWS_MAX).map(({ text, change, deltaCredits, deltaAmount }) => {
    const credits = creditsNumber(parseCredits(deltaCredits ?? '0'));
    const money =
      deltaAmount === null ? '' : moneyDelta(parseMoney(deltaAmount), teamsMonthly.currency);
    return `| ${escaped(text)} | ${MARKS[change]} | ${credits.startsWith('-') ? '' : '+'}${credits} | ${money} |`;
  });
  const more = priced.length - rows.length;
  return [
    '| limit | | credits a period | money a period |',
    '| --- | --- | ---: | ---: |',
    ...rows,
    ...(more > 0 ? [`| and ${more} more | | | |`] : []),
    '',
    `Teams' monthly budgets: ${escaped(monthlyText(teamsMonthly))}.`,
    '',
  ];
}

function details(
  changes: readonly ChangeView[],
  total: number,
  title = 'Every change',
): readonly string[] {
  const lines: string[] = [];
  let length = 0;
  for (const { part, change, text } of changes) {
    const line = `- ${MARKS[change]} in ${part}: ${escaped(text)}`;
    length += line.length + 1;
    if (length > DETAILS_LENGTH_MAX) break;
    lines.push(line);
  }
  const more = total - lines.length;
  return [
    `<details><summary>${title} (${total})</summary>`,
    '',
    ...lines,
    ...(more > 0 ? [`- and ${more} more`] : []),
    '',
    '</details>',
    '',
  ];
}

function list(title: string, sentences: readonly string[]): readonly string[] {
  if (sentences.length === 0) return [];
  const shown = sentences.slice(0, SENTENCES_MAX).map((text) => `- ${escaped(text)}`);
  const more = sentences.length - shown.length;
  return [`### ${title}`, '', ...shown, ...(more > 0 ? [`- and ${more} more`] : []), ''];
}

/** Names and reasons come from people: nothing in them may become markup, a mention or a reference. */
function escaped(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/[\\`*_{}[\]<>|~]/g, '\\$&')
    .replace(/[@#]/g, (sign) => `&#${sign.codePointAt(0)};`);
}

/** Inline code that a backtick inside does not end. */
function code(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return line.includes('`') ? `\`\` ${line} \`\`` : `\`${line}\``;
}
