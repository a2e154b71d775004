/** How a plan says ladders, off-peak hours and promises. */
import type { BudgetDocument, TierDocument } from './document.js';
import type { RungDocument } from './ladder-documents.js';
import { arrow } from './plan-words.js';

/** `from 80 % warn; from 100 % slower-tier batch, above 5 credits`. */
export function ladderChange(before: BudgetDocument, after: BudgetDocument): string {
  return `ladder ${arrow(ladderText(before.ladder), ladderText(after.ladder))}`;
}

function ladderText(rungs: readonly RungDocument[] | undefined): string | undefined {
  const texts = rungs?.map(({ atPercent, step, tier, aboveCredits, waitSeconds }) =>
    [
      `from ${atPercent} % ${step}${tier === undefined ? '' : ` ${tier}`}`,
      ...(aboveCredits === undefined ? [] : [`above ${aboveCredits} credits`]),
      ...(waitSeconds === undefined ? [] : [`waiting up to ${waitSeconds} s`]),
    ].join(', '),
  );
  return texts?.join('; ');
}

/** What changes of moved and deferred statements, and of what a tier promises. */
export function serviceChange(
  before: TierDocument,
  after: TierDocument,
  field: 'switch' | 'offPeak' | 'slo',
): string {
  switch (field) {
    case 'switch':
      return (after.switch ?? 'refuse') === 'session'
        ? 'statements that are moved here come by USE WAREHOUSE in their session from now on'
        : 'statements that are moved here are refused and told the warehouse from now on';
    case 'offPeak':
      return `off-peak hours ${arrow(hoursText(before), hoursText(after))}`;
    case 'slo':
      return `promises ${arrow(sloText(before), sloText(after))}`;
  }
}

function hoursText({ offPeak }: TierDocument): string | undefined {
  if (offPeak === undefined) return undefined;
  const windows = offPeak.windows.map(
    ({ from, to, days }) => `${from} to ${to}${days === undefined ? '' : ` on ${days.join(', ')}`}`,
  );
  return `${windows.join('; ')} in ${offPeak.timeZone}`;
}

function sloText({ slo }: TierDocument): string | undefined {
  return slo === undefined ? undefined : `${slo.percent} % within ${slo.waitSeconds} s`;
}
