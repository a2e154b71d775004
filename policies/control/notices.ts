/**
 * What an accepted document says that has no effect, or not the one it seems to have: fields that nothing acts on yet,
 * entries that nothing leads to, and what is missing for statements to run. No rule may silently do nothing.
 */
import type { EpochMs } from '#base/time.js';
import { createConditionCompiler } from '../rules/condition.js';
import { foldName } from '../rules/glob.js';
import type { BudgetDocument, ControlDocument } from './document.js';
import { priceLookup } from '../prices/price-lookup.js';
import { rateLookup, rateOfEntry } from '../prices/rate-lookup.js';
import { matchText } from './plan-people.js';
import { listText, sentence } from './plan-words.js';

export interface PlanNotice {
  /** The field or part it is about, such as `tiers[].weight`. */
  readonly about: string;
  /** A sentence without its full stop. */
  readonly text: string;
}

/** A field that is read, checked and kept, and that nothing acts on. */
interface Unacted {
  readonly about: string;
  /** The entries of the document that use it. */
  readonly users: (document: ControlDocument) => readonly string[];
  readonly text: (names: string) => string;
}

/** A test looks for code that acts on each of these and fails when it finds some: then the notice goes. */
export const UNACTED_FIELDS: readonly Unacted[] = [];

/** Every notice about an accepted document. @param at says which prices and rates are in force. */
export function findNotices(document: ControlDocument, at: EpochMs): readonly PlanNotice[] {
  const unacted = UNACTED_FIELDS.map(({ about, users, text }) => ({
    about,
    names: users(document),
    text,
  }));
  const others = [
    {
      about: 'prices',
      names: pricelessNow(document, at),
      text: (names: string) =>
        `no price of ${names} credits is in force: every statement is refused`,
    },
    {
      about: 'prices[].currency',
      names: otherCurrencies(document),
      text: (names: string) =>
        `the organisation is billed in ${document.organisation.currency}: prices in ${names} price no bill`,
    },
    {
      about: 'warehouses',
      names: ratelessNow(document, at),
      text: (names: string) => `no rate covers warehouse ${names}: statements there are refused`,
    },
    {
      about: 'mapping',
      names: neverReached(document),
      text: (names: string) =>
        `an earlier entry matches the same, so these are never reached: ${names}`,
    },
    {
      about: 'teams',
      names: unmapped(document),
      text: (names: string) => `no mapping leads to ${names}: nobody pays from there`,
    },
    {
      about: 'budgets',
      names: unlimited(document),
      text: (names: string) =>
        `no hard limit is on the path of ${names}: nothing is refused there for what is spent`,
    },
    {
      about: 'rules[].effect reroute',
      names: unmovedReroutes(document),
      text: (names: string) =>
        `${names} refuse and name the warehouse to use: the tier they move to does not say switch: session`,
    },
    {
      about: 'rules[].when',
      names: plainComparisons(document),
      text: (names: string) =>
        `${names} compare credits with a plain number, which counts 0.000000000001 credits: write credits("1.5")`,
    },
    {
      about: 'networks',
      names: unusedNetworks(document),
      text: (names: string) => `no mapping names network ${names}`,
    },
    {
      about: 'channels',
      names: unusedChannels(document),
      text: (names: string) => `no team names channel ${names}`,
    },
  ];
  return [...unacted, ...others].flatMap(({ about, names, text }) =>
    names.length === 0 ? [] : [{ about, text: sentence(text(listText(names))) }],
  );
}

function pricelessNow(document: ControlDocument, at: EpochMs): readonly string[] {
  return priceLookup(document)('compute', at) === undefined ? ['compute'] : [];
}

function ratelessNow(document: ControlDocument, at: EpochMs): readonly string[] {
  const rateAt = rateLookup(document);
  return document.warehouses
    .filter((entry) => rateOfEntry(rateAt, document, entry, at) === undefined)
    .map(({ name }) => name);
}

function neverReached({ mapping }: ControlDocument): readonly string[] {
  const seen = new Set<string>();
  return mapping.flatMap((entry, index) => {
    const text = foldName(matchText(entry));
    if (seen.has(text)) return [`mapping[${index}] (${matchText(entry)})`];
    seen.add(text);
    return [];
  });
}

function unmapped({ teams, mapping, principals }: ControlDocument): readonly string[] {
  const teamOf = new Map(principals.map(({ id, team }) => [id, team]));
  const reached = new Set(
    mapping.map(({ principal, team }) => team ?? teamOf.get(principal ?? '')),
  );
  return teams.filter(({ id }) => !reached.has(id)).map(({ id }) => id);
}

/** Teams that no hard budget over all of their statements holds, be it their own or one above them. */
function unlimited({ organisation, teams, budgets }: ControlDocument): readonly string[] {
  const limited = new Set(budgets.filter(holdsAll).map(({ node }) => node));
  if (limited.has(organisation.id)) return [];
  return teams
    .filter(({ id, department }) => !limited.has(id) && !limited.has(department))
    .map(({ id }) => id);
}

function holdsAll({ hard, limitCredits, period, tier, workload, client }: BudgetDocument): boolean {
  const isWhole = [tier, workload, client].every((each) => each === undefined);
  return hard && limitCredits !== 'unlimited' && isWhole && period.kind !== 'custom';
}

function unmovedReroutes({ rules, tiers }: ControlDocument): readonly string[] {
  const switched = new Set(tiers.filter((tier) => tier.switch === 'session').map(({ id }) => id));
  return rules.flatMap((rule) =>
    rule.effect === 'reroute' && rule.mode === 'enforce' && !switched.has(rule.tier)
      ? [rule.id]
      : [],
  );
}

function otherCurrencies({ organisation, prices }: ControlDocument): readonly string[] {
  const others = prices.map(({ currency }) => currency).filter((c) => c !== organisation.currency);
  return [...new Set(others)];
}

function plainComparisons({ rules }: ControlDocument): readonly string[] {
  if (rules.length === 0) return [];
  const compiler = createConditionCompiler();
  return rules.flatMap(({ id, when }) => {
    const result = compiler.compile(when);
    return result.ok && result.condition.comparesPlainNumber ? [id] : [];
  });
}

function unusedNetworks({ networks = [], mapping }: ControlDocument): readonly string[] {
  const used = new Set(mapping.map(({ match }) => match.network));
  return networks.filter(({ id }) => !used.has(id)).map(({ id }) => id);
}

function unusedChannels({ channels = [], teams }: ControlDocument): readonly string[] {
  const used = new Set(teams.flatMap((team) => team.channels ?? []));
  return channels.filter(({ id }) => !used.has(id)).map(({ id }) => id);
}
