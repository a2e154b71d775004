/**
 * What another mapping would have made of statements of the past: who would have paid instead of whom. Pure; what the
 * callers have used comes in summed up. Only the mapping is compared: claims and terminated sign-ins name their team
 * otherwise, so their statements are not among what comes in.
 */
import { canonicalJson } from '#base/canonical-json.js';
import {
  addCredits,
  addMoney,
  compareAmounts,
  type Credits,
  type Money,
  NO_CREDITS,
  NO_MONEY,
} from '#base/units.js';
import type { ControlDocument } from './control/document.js';
import { createResolutionsAnywhere, type PrincipalResolution, resolutionKey } from './identity.js';

/** What one caller has used, as tickets and charges have it. */
export interface CallerUse {
  readonly account: string;
  readonly snowflakeUser: string;
  readonly role: string | null;
  readonly currency: string;
  readonly statements: number;
  readonly credits: Credits;
  readonly money: Money;
  /** A ticket of it, the newest. */
  readonly ticketId: string;
}

/** Where statements go by one mapping. */
export interface Destination {
  /** unknown and suspended: refused. */
  readonly kind: PrincipalResolution['kind'];
  /** null: nobody would pay. */
  readonly team: string | null;
}

export interface UseTotals {
  readonly statements: number;
  readonly credits: Credits;
  readonly amounts: readonly { readonly currency: string; readonly money: Money }[];
}

export interface PrincipalMove extends UseTotals {
  readonly from: string | null;
  readonly to: string | null;
}

/** Statements that would go from one team to another, or to another principal of the same. */
export interface TeamMove extends UseTotals {
  readonly from: Destination;
  readonly to: Destination;
  /** Those with most credits. */
  readonly principals: readonly PrincipalMove[];
  readonly ticketIds: readonly string[];
}

export interface MappingMoves {
  /** With most credits first. */
  readonly moves: readonly TeamMove[];
  /** It depends on the network that the caller was in, which tickets do not keep. */
  readonly undecided: UseTotals;
  readonly staying: UseTotals;
}

const PRINCIPALS_MAX = 10;
const TICKETS_MAX = 5;

/** Sums the uses by where they move from `current` to `next`; every use is in exactly one of the three results. */
export function mappingMoves(
  current: ControlDocument,
  next: ControlDocument,
  uses: Iterable<CallerUse>,
): MappingMoves {
  const [before, after] = [createResolutionsAnywhere(current), createResolutionsAnywhere(next)];
  const hasSameRules = rulesText(current) === rulesText(next);
  const moves = new Map<string, OpenMove>();
  const undecided = new Sum();
  const staying = new Sum();
  for (const use of uses) {
    const [from, to] = [before(use), after(use)];
    const [only, then] = [from[0], to[0]];
    if (only === undefined || then === undefined) continue;
    const isCertain = from.length === 1 && to.length === 1;
    const isSame = keysOf(from) === keysOf(to) && (isCertain || hasSameRules);
    if (isSame) staying.add(use);
    else if (!isCertain) undecided.add(use);
    else moveOf(moves, only, then).add(use);
  }
  return {
    moves: [...moves.values()].map((move) => move.close()).sort(byCredits),
    undecided: undecided.totals(),
    staying: staying.totals(),
  };
}

function rulesText({ mapping, networks = [] }: ControlDocument): string {
  return canonicalJson({ mapping, networks });
}

function keysOf(resolutions: readonly PrincipalResolution[]): string {
  return resolutions.map(resolutionKey).sort().join('\n\n');
}

class Sum {
  #statements = 0;
  #credits: Credits = NO_CREDITS;
  readonly #money = new Map<string, Money>();

  add(use: CallerUse): void {
    this.#statements += use.statements;
    this.#credits = addCredits(this.#credits, use.credits);
    this.#money.set(use.currency, addMoney(this.#money.get(use.currency) ?? NO_MONEY, use.money));
  }

  totals(): UseTotals {
    const amounts = [...this.#money].map(([currency, money]) => ({ currency, money }));
    return { statements: this.#statements, credits: this.#credits, amounts };
  }
}

class OpenMove {
  readonly #from: PrincipalResolution;
  readonly #to: PrincipalResolution;
  readonly #sum = new Sum();
  readonly #principals = new Map<string, { from: string | null; to: string | null; sum: Sum }>();
  #ticketIds: string[] = [];

  constructor(from: PrincipalResolution, to: PrincipalResolution) {
    this.#from = from;
    this.#to = to;
  }

  /** The same team move of the one pair of principals. */
  for(from: PrincipalResolution, to: PrincipalResolution): { add(use: CallerUse): void } {
    const key = `${resolutionKey(from)}\n\n${resolutionKey(to)}`;
    let pair = this.#principals.get(key);
    if (pair === undefined) {
      pair = { from: principalIdOf(from), to: principalIdOf(to), sum: new Sum() };
      this.#principals.set(key, pair);
    }
    const { sum } = pair;
    return {
      add: (use) => {
        this.#sum.add(use);
        sum.add(use);
        if (this.#ticketIds.length < TICKETS_MAX) this.#ticketIds.push(use.ticketId);
      },
    };
  }

  close(): TeamMove {
    const principals = [...this.#principals.values()].map(({ from, to, sum }) => ({
      from,
      to,
      ...sum.totals(),
    }));
    return {
      from: destinationOf(this.#from),
      to: destinationOf(this.#to),
      ...this.#sum.totals(),
      principals: principals.sort(byCredits).slice(0, PRINCIPALS_MAX),
      ticketIds: this.#ticketIds,
    };
  }
}

function moveOf(
  moves: Map<string, OpenMove>,
  from: PrincipalResolution,
  to: PrincipalResolution,
): { add(use: CallerUse): void } {
  const [a, b] = [destinationOf(from), destinationOf(to)];
  const key = [a.kind, a.team, b.kind, b.team].join('\n');
  let move = moves.get(key);
  if (move === undefined) {
    move = new OpenMove(from, to);
    moves.set(key, move);
  }
  return move.for(from, to);
}

function destinationOf(resolution: PrincipalResolution): Destination {
  const { kind } = resolution;
  return { kind, team: kind === 'known' ? resolution.team.id : null };
}

function principalIdOf(resolution: PrincipalResolution): string | null {
  return resolution.kind === 'unknown' ? null : resolution.principal.id;
}

function byCredits(a: UseTotals, b: UseTotals): number {
  return compareAmounts(b.credits, a.credits) || b.statements - a.statements;
}
