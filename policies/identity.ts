/**
 * Who is asking, from authenticated facts only: account, Snowflake user, role in force, and the network that the
 * client's address lies in. Tags, application names and comments never reach this place; they choose a workload inside
 * a team, not the team. A shared principal names another team by a signed claim (`claim.ts`), after this.
 */
import { createAddressMatcher } from '#base/cidr.js';
import type {
  ControlDocument,
  MappingDocument,
  PrincipalDocument,
  TeamDocument,
} from './control/document.js';
import { foldName, matchesGlob } from './rules/glob.js';

/** What was proved about the caller; nothing the caller merely says. */
export interface CallerFacts {
  readonly account: string;
  readonly snowflakeUser: string;
  readonly role: string | null;
  /** Where the client is, by its socket or a trusted proxy's word; null: not known, and then in no network. */
  readonly address: string | null;
}

export type PrincipalResolution =
  | {
      readonly kind: 'known';
      readonly principal: PrincipalDocument;
      readonly team: TeamDocument;
    }
  /** No mapping leads anywhere: refuse (TG1002). */
  | { readonly kind: 'unknown' }
  /** Refuse (TG1003). */
  | { readonly kind: 'suspended'; readonly principal: PrincipalDocument };

/**
 * The ordered mapping of an accepted document as a function. Fails closed: an account that is not listed, a network
 * that is not defined and a user that no rule matches are unknown. Names compare without case, as Snowflake folds them.
 */
export function createPrincipalResolver(
  document: ControlDocument,
): (caller: CallerFacts) => PrincipalResolution {
  const index = indexDocument(document);
  return (caller) => {
    const folded = foldCaller(caller);
    if (!index.accounts.has(folded.account)) return { kind: 'unknown' };
    const { named, open } = index.candidates(folded.user);
    const matches = (rule: Rule): boolean =>
      isFor(rule, folded) &&
      (rule.isInNetwork === null || (caller.address !== null && rule.isInNetwork(caller.address)));
    return index.resolve(earlier(named.find(matches), open.find(matches)), folded);
  };
}

/**
 * Everything a caller may resolve to when its address is not known: once for every network rule that would come first,
 * and once for none. One entry means that the address does not matter. For statements of the past, whose tickets do
 * not keep addresses.
 */
export function createResolutionsAnywhere(
  document: ControlDocument,
): (caller: Omit<CallerFacts, 'address'>) => readonly PrincipalResolution[] {
  const index = indexDocument(document);
  return (caller) => {
    const folded = foldCaller(caller);
    if (!index.accounts.has(folded.account)) return [{ kind: 'unknown' }];
    const { named, open } = index.candidates(folded.user);
    const matching = [...named, ...open]
      .filter((rule) => isFor(rule, folded))
      .sort((a, b) => a.ordinal - b.ordinal);
    const certain = matching.findIndex((rule) => rule.isInNetwork === null);
    const possible = certain < 0 ? [...matching, undefined] : matching.slice(0, certain + 1);
    const resolutions = new Map(
      possible.map((rule) => {
        const resolution = index.resolve(rule, folded);
        return [resolutionKey(resolution), resolution];
      }),
    );
    return [...resolutions.values()];
  };
}

/** Equal for two resolutions that charge the same principal of the same team, or both refuse alike. */
export function resolutionKey(resolution: PrincipalResolution): string {
  switch (resolution.kind) {
    case 'known':
      return `known\n${resolution.team.id}\n${resolution.principal.id}`;
    case 'suspended':
      return `suspended\n${resolution.principal.id}`;
    case 'unknown':
      return 'unknown';
  }
}

interface Rule {
  readonly ordinal: number;
  readonly account: string | null;
  readonly user: string | null;
  readonly role: string | null;
  /** null: the rule names no network. */
  readonly isInNetwork: ((address: string) => boolean) | null;
  readonly target: MappingDocument;
}

interface FoldedCaller {
  readonly account: string;
  readonly user: string;
  readonly role: string | null;
}

interface Index {
  readonly accounts: ReadonlySet<string>;
  /** Rules that could match a user, in document order: those that name it exactly, and those that name no one user. */
  candidates(user: string): { readonly named: readonly Rule[]; readonly open: readonly Rule[] };
  resolve(rule: Rule | undefined, caller: FoldedCaller): PrincipalResolution;
}

function indexDocument(document: ControlDocument): Index {
  const teams = new Map(document.teams.map((team) => [team.id, team]));
  const principals = new Map(document.principals.map((principal) => [principal.id, principal]));
  return {
    accounts: new Set(document.accounts.map((account) => foldName(account.id))),
    candidates: indexRules(document),
    resolve(rule, { account, user }) {
      if (rule === undefined) return { kind: 'unknown' };
      const { target } = rule;
      const named = target.principal === undefined ? undefined : principals.get(target.principal);
      const team = teams.get(named?.team ?? target.team ?? '');
      if (team === undefined) return { kind: 'unknown' };
      const principal = named ?? personOf(team, account, user);
      if (principal.status === 'suspended') return { kind: 'suspended', principal };
      return { kind: 'known', principal, team };
    },
  };
}

/** A document maps thousands of people by name, and every statement asks. */
function indexRules(document: ControlDocument): Index['candidates'] {
  const networks = new Map(
    (document.networks ?? []).map((network) => [network.id, createAddressMatcher(network.cidrs)]),
  );
  const byUser = new Map<string, Rule[]>();
  const open: Rule[] = [];
  for (const [ordinal, target] of document.mapping.entries()) {
    const { account, snowflakeUser, role, network } = target.match;
    const rule: Rule = {
      ordinal,
      account: foldedOrNull(account),
      user: foldedOrNull(snowflakeUser),
      role: foldedOrNull(role),
      isInNetwork: network === undefined ? null : (networks.get(network) ?? (() => false)),
      target,
    };
    if (rule.user === null || /[*?]/.test(rule.user)) {
      open.push(rule);
      continue;
    }
    const same = byUser.get(rule.user);
    if (same === undefined) byUser.set(rule.user, [rule]);
    else same.push(rule);
  }
  const none: readonly Rule[] = [];
  return (user) => ({ named: byUser.get(user) ?? none, open });
}

/** Whether a rule fits all that is known of the caller without its address. */
function isFor(rule: Rule, caller: FoldedCaller): boolean {
  return (
    (rule.account === null || rule.account === caller.account) &&
    (rule.role === null || rule.role === caller.role) &&
    (rule.user === null || matchesGlob(caller.user, rule.user))
  );
}

function earlier(a: Rule | undefined, b: Rule | undefined): Rule | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a.ordinal < b.ordinal ? a : b;
}

function foldCaller(caller: Omit<CallerFacts, 'address'>): FoldedCaller {
  return {
    account: foldName(caller.account),
    user: foldName(caller.snowflakeUser),
    role: caller.role === null ? null : foldName(caller.role),
  };
}

/** A Snowflake user that a mapping leads to a whole team stands for itself in that team. */
function personOf(team: TeamDocument, account: string, user: string): PrincipalDocument {
  return {
    id: `${account}/${user}`,
    team: team.id,
    kind: 'person',
    shared: false,
    owner: team.owner,
    status: 'active',
  };
}

function foldedOrNull(name: string | undefined): string | null {
  return name === undefined ? null : foldName(name);
}
