/**
 * What a document would have made of a statement that has run: its place, its rules and the budgets on its path, by the
 * functions of the live path. Amounts are those of its estimate when it came.
 */
import type { EpochMs } from '#base/time.js';
import type { Credits } from '#base/units.js';
import type { ControlSnapshot, Tier } from '../control/snapshot.js';
import type { Estimate } from '../estimate/estimate.js';
import { creditsToHold } from './ceiling.js';
import type { Decision } from './decision.js';
import { decideText, type JudgedPart } from './evaluate.js';

/** A statement as the ledger has it. */
export interface PastStatement {
  readonly account: string;
  readonly teamId: string;
  readonly principalId: string;
  readonly viaPrincipalId: string | null;
  readonly role: string | null;
  readonly workload: string | null;
  /** null: the session had none. */
  readonly warehouse: string | null;
  readonly estimate: Estimate;
  readonly at: EpochMs;
  /** null: its facts are not kept. */
  readonly text: { readonly client: string; readonly parts: readonly JudgedPart[] } | null;
}

/** What keeps a statement from running: kind and id, such as `rule` and `no-star`. */
export interface PastCause {
  readonly kind:
    | 'identity'
    | 'warehouse'
    | 'access'
    | 'rule'
    | 'approval'
    | 'ceiling'
    | 'opaque'
    | 'external-location';
  readonly id: string;
}

export type PastJudgement =
  | { readonly kind: 'refused'; readonly cause: PastCause }
  | {
      readonly kind: 'allowed';
      readonly budgetIds: readonly string[];
      readonly holdCredits: Credits;
      readonly ceilingCredits: Credits;
      /** Its facts are not kept and there are rules: what they would have said is not known. */
      readonly isUnjudged: boolean;
    };

/** Judges one past statement. Total. */
export function judgePast(snapshot: ControlSnapshot, past: PastStatement): PastJudgement {
  const refused = (kind: PastCause['kind'], id: string): PastJudgement => ({
    kind: 'refused',
    cause: { kind, id },
  });
  const team = snapshot.team(past.teamId);
  const principal = snapshot.principal(past.principalId);
  if (team === undefined || principal === undefined || principal.status === 'suspended')
    return refused('identity', past.principalId);
  const tier = tierOf(snapshot, past);
  if (tier === undefined) return refused('warehouse', past.warehouse ?? '');
  const decision = decisionOf(snapshot, past, tier, { team, principal });
  const cause = decision === undefined ? undefined : causeOf(decision);
  if (cause !== undefined) return { kind: 'refused', cause };
  const ceilingCredits = decision?.ceilingCredits ?? tier.ceilingCredits;
  const budgets = snapshot.budgetsFor({
    teamId: team.id,
    principalId: principal.id,
    tier: tier.id,
    workload: past.workload,
    client: past.text?.client ?? null,
  });
  return {
    kind: 'allowed',
    budgetIds: budgets.map(({ id }) => id),
    holdCredits: creditsToHold({ estimate: past.estimate, isFree: false }, ceilingCredits),
    ceilingCredits,
    isUnjudged: decision === undefined && snapshot.rules.length + snapshot.access.length > 0,
  };
}

/** A warehouse without tier, rate or price refuses; so the live path does. */
function tierOf(snapshot: ControlSnapshot, { warehouse, at }: PastStatement): Tier | undefined {
  if (warehouse === null) return snapshot.defaultTier();
  const isKnown =
    snapshot.rateOfWarehouse(warehouse, at) !== undefined &&
    snapshot.priceAt('compute', at) !== undefined;
  return isKnown ? snapshot.tierForWarehouse(warehouse) : undefined;
}

function decisionOf(
  snapshot: ControlSnapshot,
  past: PastStatement,
  tier: Tier,
  who: Pick<Parameters<typeof decideText>[2], 'team' | 'principal'>,
): Decision | undefined {
  if (past.text === null) return undefined;
  const via =
    past.viaPrincipalId === null ? null : (snapshot.principal(past.viaPrincipalId) ?? null);
  return decideText(past.text.parts, past.estimate, {
    snapshot,
    account: past.account,
    ...who,
    via,
    role: past.role,
    tier,
    warehouse: past.warehouse ?? '',
    workload: past.workload,
    client: past.text.client,
    at: past.at,
  });
}

/** A statement that is moved to another tier runs; one that waits for somebody's word does not run by itself. */
function causeOf(decision: Decision): PastCause | undefined {
  if (decision.kind === 'approve')
    return { kind: 'approval', id: decision.reasons[0]?.source ?? 'approval' };
  if (decision.kind !== 'refuse') return undefined;
  const { cause } = decision;
  switch (cause.kind) {
    case 'rule':
    case 'off-peak':
      return { kind: 'rule', id: cause.ruleId };
    case 'access':
      return { kind: 'access', id: cause.listId };
    case 'ceiling':
      return { kind: 'ceiling', id: cause.source };
    case 'opaque':
    case 'external-location':
      return { kind: cause.kind, id: cause.kind };
  }
}
