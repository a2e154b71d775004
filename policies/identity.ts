/**
 * Who is asking, from authenticated facts only: account, Snowflake user, role in force. Tags, application names and
 * comments never reach this place; they choose a workload inside a team, not the team.
 */
import type {
  ControlDocument,
  MappingDocument,
  PrincipalDocument,
  TeamDocument,
} from './control/document.js';
import { foldName, matchesGlob } from './rules/glob.js';

/** What upstream proved about the caller; nothing the caller merely says. */
export interface CallerFacts {
  readonly account: string;
  readonly snowflakeUser: string;
  readonly role: string | null;
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
 * The ordered mapping of an accepted document as a function. Fails closed: an account that is not listed and a user
 * that no rule matches are unknown. Names compare without case, as Snowflake folds them.
 */
export function createPrincipalResolver(
  document: ControlDocument,
): (caller: CallerFacts) => PrincipalResolution {
  const accounts = new Set(document.accounts.map((account) => foldName(account.id)));
  const teams = new Map(document.teams.map((team) => [team.id, team]));
  const principals = new Map(document.principals.map((principal) => [principal.id, principal]));
  const candidates = indexMapping(document.mapping);
  return (caller) => {
    const account = foldName(caller.account);
    if (!accounts.has(account)) return { kind: 'unknown' };
    const user = foldName(caller.snowflakeUser);
    const role = caller.role === null ? null : foldName(caller.role);
    const matching = candidates(user).filter(
      (rule) =>
        (rule.account === null || rule.account === account) &&
        (rule.user === null || matchesGlob(user, rule.user)) &&
        (rule.role === null || rule.role === role),
    );
    const first = matching.reduce<Rule | undefined>(
      (earliest, rule) =>
        earliest === undefined || rule.ordinal < earliest.ordinal ? rule : earliest,
      undefined,
    );
    if (first === undefined) return { kind: 'unknown' };
    const found = {
      team: first.target.team,
      principal:
        first.target.principal === undefined ? undefined : principals.get(first.target.principal),
    };
    const team = teams.get(found.principal?.team ?? found.team ?? '');
    if (team === undefined) return { kind: 'unknown' };
    const principal = found.principal ?? personOf(team, account, user);
    if (principal.status === 'suspended') return { kind: 'suspended', principal };
    return { kind: 'known', principal, team };
  };
}

interface Rule {
  readonly ordinal: number;
  readonly account: string | null;
  readonly user: string | null;
  readonly role: string | null;
  readonly target: MappingDocument;
}

/**
 * Rules that could match a user: those that name it exactly and those that do not name one user. A document maps
 * thousands of people by name, and every statement asks.
 */
function indexMapping(mapping: readonly MappingDocument[]): (user: string) => readonly Rule[] {
  const byUser = new Map<string, Rule[]>();
  const open: Rule[] = [];
  for (const [ordinal, target] of mapping.entries()) {
    const rule: Rule = {
      ordinal,
      account: foldedOrNull(target.match.account),
      user: foldedOrNull(target.match.snowflakeUser),
      role: foldedOrNull(target.match.role),
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
  return (user) => {
    const named = byUser.get(user);
    return named === undefined ? open : open.length === 0 ? named : [...named, ...open];
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
