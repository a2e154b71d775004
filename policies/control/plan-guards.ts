/** Sentences about run rates and break-glass. */
import { parseCredits, parseMoney } from '#base/units.js';
import { moneyText } from '../rules/amount-text.js';
import type { BreakGlassDocument, RunRateDocument } from './guard-documents.js';
import {
  arrow,
  creditsText,
  listChange,
  listText,
  valueText,
  type PlanContext,
  type Words,
} from './plan-words.js';

export const RUN_RATE_WORDS: Words<RunRateDocument> = {
  subject: ({ id }) => `run rate ${id}`,
  added: (entry, context) =>
    `new, ${modeText(entry)}: one shape of ${ofWhom(entry)} may take ${limitText(entry, context)} in 30 days; told from ${entry.warnAtPercent ?? 50} %, slowed by ${entry.slowSeconds ?? 30} s from ${entry.slowAtPercent ?? 80} %, stopped from ${entry.stopAtPercent ?? 100} %`,
  removed: (entry, context) => `removed; it was ${limitText(entry, context)} in 30 days`,
  changed: (before, after, field, context) => {
    switch (field) {
      case 'teams':
      case 'tiers':
        return `${field}: ${listChange(before[field], after[field])}`;
      case 'limitCreditsPerMonth':
      case 'limitMoneyPerMonth':
        // Where one takes the place of the other, the first of the two tells both.
        if (field === 'limitMoneyPerMonth' && before[field] === undefined) return null;
        if (field === 'limitMoneyPerMonth' && after[field] === undefined) return null;
        return `${limitText(before, context)} → ${limitText(after, context)} in 30 days`;
      case 'mode':
        return `${modeText(before)} → ${modeText(after)}`;
      default:
        return `${field} ${arrow(valueOf(before, field), valueOf(after, field))}`;
    }
  },
};

export const BREAK_GLASS_WORDS: Words<BreakGlassDocument> = {
  subject: ({ id }) => `break-glass ${id}`,
  added: (entry) =>
    `new: ${whoText(entry)} may pass budgets and rules for ${entry.minutes} min by one reason, ${creditsText(parseCredits(entry.ceilingCredits))} a statement at most`,
  removed: (entry) => `removed; ${whoText(entry)} could use it`,
  changed: (before, after, field) => {
    switch (field) {
      case 'principals':
      case 'roles':
        return `${field}: ${listChange(before[field], after[field])}`;
      default:
        return `${field} ${arrow(valueOf(before, field), valueOf(after, field))}`;
    }
  },
};

function valueOf(entry: object, field: string): unknown {
  return (entry as Readonly<Record<string, unknown>>)[field];
}

function modeText({ mode = 'enforce' }: RunRateDocument): string {
  return { shadow: 'in shadow, counted only', warn: 'it only tells', enforce: 'enforced' }[mode];
}

function ofWhom({ teams, tiers }: RunRateDocument): string {
  const whose = teams === undefined ? 'every team' : valueText(teams);
  return tiers === undefined ? whose : `${whose} in ${valueText(tiers)}`;
}

function limitText(entry: RunRateDocument, { price }: PlanContext): string {
  if (entry.limitMoneyPerMonth !== undefined)
    return moneyText(parseMoney(entry.limitMoneyPerMonth), price?.currency ?? 'USD');
  return entry.limitCreditsPerMonth === undefined
    ? 'nothing'
    : creditsText(parseCredits(entry.limitCreditsPerMonth));
}

function whoText({ principals = [], roles = [] }: BreakGlassDocument): string {
  return listText([...principals, ...roles.map((role) => `role ${role}`)]);
}
