/** What a plan says of statements that have run and that the later document would have kept from running. */
import { canonicalJson } from '#base/canonical-json.js';
import { addCredits, type Credits, NO_CREDITS, parseCredits, parseMoney } from '#base/units.js';
import { countText, moneyText } from '../rules/amount-text.js';
import type { ControlDocument } from './document.js';
import type { RuleMode } from './choices.js';
import { creditsText, listText, sentence } from './plan-words.js';

/** Sums as decimal strings. */
export interface PastTotals {
  readonly statements: number;
  readonly credits: string;
  readonly amounts: readonly { readonly currency: string; readonly amount: string }[];
}

/** One statement that would not have run. */
export interface PastExample {
  readonly ticketId: string;
  readonly team: string;
  readonly principal: string;
  /** Instant, as ISO 8601. */
  readonly occurredAt: string;
  /** `budget growth-month`, `rule no-star`, `access list hr`. */
  readonly by: string;
  readonly credits: string;
  readonly amount: string;
  readonly currency: string;
}

/** What became of the statements of some days under another document. */
export interface PastReport {
  /** Statements that ran in those days. */
  readonly statements: number;
  /** Those that the later document refuses and the earlier one does not. */
  readonly refused: PastTotals;
  /** The same by what refuses them, dearest first. */
  readonly causes: readonly (PastTotals & { readonly by: string })[];
  /** The dearest of them. */
  readonly examples: readonly PastExample[];
  /** Those that the earlier document refuses and the later one does not. */
  readonly freed: PastTotals;
  /** Their facts are not kept: what rules would have said is not known. */
  readonly unjudgedStatements: number;
  /** There were more statements than are looked at; the earliest were. */
  readonly isCut: boolean;
}

/** Whether a change can lead to other decisions. */
export function changesDecisions(before: ControlDocument, after: ControlDocument): boolean {
  return decides(before) !== decides(after);
}

function decides(document: ControlDocument): string {
  const {
    organisation: _o,
    networks: _n,
    channels: _c,
    mapping: _m,
    accounts: _a,
    bookings: _b,
    ...rest
  } = document;
  return canonicalJson({
    ...rest,
    teams: rest.teams.map(({ id, department }) => [id, department]),
  });
}

/** Statements that are named in sentences; all are in the answer. */
const NAMED_MAX = 5;
const CAUSES_MAX = 20;

/** The report as sentences, without full stops; empty when nothing would have been otherwise. */
export function pastSentences(report: PastReport, days: number): readonly string[] {
  const { refused, causes, examples, freed, unjudgedStatements } = report;
  const of = `of ${countText(report.statements)} statements that ran in the last ${days} days`;
  const told = causes.slice(0, CAUSES_MAX).map(({ by, ...totals }) => {
    const named = examples.filter((each) => each.by === by).slice(0, NAMED_MAX);
    const which = named.map(exampleText).join('; ');
    const rest = totals.statements > named.length ? ', dearest first' : '';
    return `${by} would have refused ${totalsText(totals)}${rest}: ${which}`;
  });
  return [
    ...(refused.statements === 0
      ? report.statements === 0
        ? []
        : [`${of}, none would have been refused that was let in`]
      : [`${of}, ${totalsText(refused)} would have been refused`, ...told]),
    ...(causes.length > CAUSES_MAX
      ? [`${causes.length - CAUSES_MAX} more causes are not told here`]
      : []),
    ...(freed.statements === 0
      ? []
      : [
          `${totalsText(freed)} that the version in force would have refused would have been let in`,
        ]),
    ...(unjudgedStatements === 0
      ? []
      : [
          `${countText(unjudgedStatements)} of them could not be judged by rules: their facts are not kept; budgets are judged`,
        ]),
    ...(report.isCut
      ? ['there were more statements than are looked at: only the earliest were']
      : []),
  ].map(sentence);
}

/** Hits of one rule or list in one team and mode. */
export interface RuleHits {
  readonly rule: string;
  readonly team: string;
  readonly mode: RuleMode;
  readonly hits: number;
  readonly expectedCredits: Credits;
}

const TEAMS_NAMED_MAX = 8;

/** How often rules fired, as sentences without full stops: one a rule and mode, with its teams. */
export function hitSentences(hits: readonly RuleHits[], days: number): readonly string[] {
  const groups = new Map<string, RuleHits[]>();
  for (const hit of hits) {
    const key = JSON.stringify([hit.rule, hit.mode]);
    groups.set(key, [...(groups.get(key) ?? []), hit]);
  }
  return [...groups.values()]
    .flatMap((group) => {
      const [first] = group;
      if (first === undefined) return [];
      const total = group.reduce((sum, { hits: count }) => sum + count, 0);
      const credits = group.reduce(
        (sum, each) => addCredits(sum, each.expectedCredits),
        NO_CREDITS,
      );
      const teams = listText(
        group.map(({ team, hits: count }) => `${team} ${countText(count)}`),
        TEAMS_NAMED_MAX,
      );
      const verb = first.mode === 'enforce' ? 'kept' : 'would have kept';
      const mode = first.mode === 'enforce' ? '' : ` (${first.mode})`;
      return [
        `${first.rule}${mode} ${verb} ${countText(total)} statement${total === 1 ? '' : 's'} from running in the last ${days} days, expected to take ${creditsText(credits)}: ${teams}`,
      ];
    })
    .map(sentence);
}

/** `12 statements for 3.2 credits ($9.60)`. */
function totalsText({ statements, credits, amounts }: PastTotals): string {
  const money = amounts.map(({ amount, currency }) => moneyText(parseMoney(amount), currency));
  const inMoney = money.length === 0 ? '' : ` (${money.join(', ')})`;
  return `${countText(statements)} statement${statements === 1 ? '' : 's'} for ${creditsText(parseCredits(credits))}${inMoney}`;
}

function exampleText(example: PastExample): string {
  const when = `${example.occurredAt.slice(0, 16).replace('T', ' ')} UTC`;
  const amount = moneyText(parseMoney(example.amount), example.currency);
  return `${example.ticketId} (${example.principal}, ${when}, ${amount})`;
}
