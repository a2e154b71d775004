/** Budgets as the control document words them, turned into the rules that the ledger and the book count by. */
import { parseCredits } from '#base/units.js';
import { WEEKDAYS, type Weekday } from '#base/time.js';
import type { Credits } from '#base/units.js';
import type { CarryRule } from './carry.js';
import type { FiscalRule } from './fiscal.js';
import type { CustomRule, PeriodKind, PeriodRule } from './period.js';

/** `period` of a budget of an accepted document. */
export interface PeriodTerms {
  readonly kind: PeriodKind;
  readonly timeZone: string;
  readonly weekStartsOn?: Weekday;
  readonly fiscal?: Omit<FiscalRule, 'yearStart'> & Partial<Pick<FiscalRule, 'yearStart'>>;
  readonly custom?: CustomRule;
}

export interface CarryTerms {
  readonly carryOver?: { readonly percent: number; readonly maxCredits?: string };
  readonly carryDebt?: boolean;
}

/** Weeks begin on Monday and fiscal years of weeks by `nearest`, unless the terms say otherwise. */
export function periodRule(terms: PeriodTerms): PeriodRule {
  const { kind, timeZone, weekStartsOn = 'monday', fiscal, custom } = terms;
  return {
    periodKind: kind,
    timeZone,
    weekStartsOn: WEEKDAYS.indexOf(weekStartsOn) + 1,
    fiscal: fiscal === undefined ? null : { yearStart: 'nearest', ...fiscal },
    custom: custom ?? null,
  };
}

/** Nothing is carried unless the terms say so. */
export function carryRule({ carryOver, carryDebt }: CarryTerms): CarryRule {
  return {
    percent: carryOver?.percent ?? null,
    maxCredits: maxOf(carryOver?.maxCredits),
    debt: carryDebt ?? false,
  };
}

function maxOf(text: string | undefined): Credits | null {
  return text === undefined ? null : parseCredits(text);
}
