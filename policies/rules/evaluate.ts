/**
 * Step 5 of the path of a statement: built-in checks and the rules of the snapshot, in document order.
 * The strictest outcome wins: refuse, then approve, then reroute, then queue, then allow.
 */
import type { DecisionContext, JudgedPart } from './decision-context.js';
import { toError } from '#base/errors.js';
import { compareAmounts, type Credits, minAmount, parseCredits } from '#base/units.js';
import { closedBy, modeFor } from '../access/decide.js';
import type { RuleMode } from '../control/choices.js';
import type { CompiledRule, Tier } from '../control/snapshot.js';
import type { Estimate } from '../estimate/estimate.js';
import type { StatementFacts } from '../sql/facts.js';
import { conditionInput } from './condition-input.js';
import type { Decision, Lifted, Reason, RefusalCause } from './decision.js';
import { keptToOffPeak, reachedRungs } from './ladder.js';

interface Fired {
  readonly rule: CompiledRule['rule'];
  /** Of the rule for this team. */
  readonly mode: RuleMode;
  readonly reason: Reason;
}

/**
 * Decides about one statement. Total and pure: a condition that cannot be evaluated counts as fired for rules that
 * restrict and as not fired for rules that loosen, so that a fault of a rule never opens a door.
 */
export function decide(
  facts: StatementFacts,
  estimate: Estimate,
  context: DecisionContext,
): Decision {
  const fired = [...fireRules(facts, estimate, context), ...fireRungs(estimate, context)];
  const closed = closedLists(facts, context);
  const enforced = fired.filter(
    ({ rule, mode }) => mode === 'enforce' && !isLifted(rule, context.lifted),
  );
  const inMode = (wanted: RuleMode): readonly Reason[] =>
    [...closed, ...fired].filter(({ mode }) => mode === wanted).map(({ reason }) => reason);
  const ceilingCredits = lowestCeiling(context, enforced);
  const [warnings, shadow] = [inMode('warn'), inMode('shadow')];
  const base = { ceilingCredits, warnings, shadow };
  const refusal =
    refusedByAccess(closed) ??
    refusedByRule(enforced) ??
    refusedLocation(facts, context, enforced) ??
    refusedOpaque(facts, context, 'refuse') ??
    refusedByCeiling(estimate, ceilingCredits, context.tier, enforced);
  if (refusal !== undefined) return { ...base, kind: 'refuse', ...refusal };
  const approval = approvalByRule(enforced) ?? opaqueApproval(facts, context);
  if (approval !== undefined) return { ...base, kind: 'approve', ...approval };
  const kept = keptToOffPeak(enforced, estimate, context);
  if (kept !== undefined) return { ...base, kind: 'refuse', ...kept };
  return { ceilingCredits, warnings, shadow, ...routeByRule(enforced, context) };
}

/**
 * Decides about a text of several statements: the strictest decision of its parts with the reasons of all of them,
 * because a text is sent whole or not at all. Each part is judged by its own facts, estimate and location.
 */
export function decideText(
  parts: readonly JudgedPart[],
  total: Estimate,
  context: Omit<DecisionContext, 'location' | 'steers' | 'sizes'>,
): Decision {
  // The fields that are added stand first: see firstStage in proxy/stages.ts for what the other order costs.
  const decisions = parts.map(({ facts, estimate, location, steers, sizes }) =>
    decide(facts, estimate, { location, steers, sizes, ...context }),
  );
  const ceilingCredits = decisions.reduce(
    (least, decision) => minAmount(least, decision.ceilingCredits),
    tierCeiling(context),
  );
  const base = {
    ceilingCredits,
    warnings: decisions.flatMap((decision) => decision.warnings),
    shadow: decisions.flatMap((decision) => decision.shadow),
  };
  const strictest = STRICTNESS.flatMap(
    (kind) => decisions.find((decision) => decision.kind === kind) ?? [],
  )[0];
  const reasons = decisions.flatMap((decision) => decision.reasons);
  if (strictest?.kind === 'refuse') return { ...strictest, ...base, reasons };
  const tooDear = refusedByCeiling(total, ceilingCredits, context.tier, []);
  if (tooDear !== undefined) return { ...base, kind: 'refuse', ...tooDear };
  if (strictest === undefined) return { ...base, kind: 'allow', reasons: [] };
  return { ...strictest, ...base, reasons };
}

const STRICTNESS = ['refuse', 'approve', 'reroute', 'queue', 'allow'] as const;

function fireRules(
  facts: StatementFacts,
  estimate: Estimate,
  context: DecisionContext,
): readonly Fired[] {
  const rules = context.snapshot.rules.filter(
    ({ rule }) => rule.teams === undefined || rule.teams.includes(context.team.id),
  );
  if (rules.length === 0) return [];
  const input = conditionInput(facts, estimate, context);
  return rules.flatMap(({ rule, condition }) => {
    const mode = modeFor(rule, context.team.id);
    try {
      if (!condition.matches(input)) return [];
      return [{ rule, mode, reason: { source: rule.id, message: rule.message } }];
    } catch (thrown) {
      if (rule.effect === 'allow-external') return [];
      const message = `${rule.message} (its condition could not be evaluated: ${firstLine(thrown)})`;
      return [{ rule, mode, reason: { source: rule.id, message } }];
    }
  });
}

function fireRungs(estimate: Estimate, context: DecisionContext): readonly Fired[] {
  const { standings, snapshot, team, principal, tier, workload, client, isOffPeak } = context;
  if (standings === undefined || standings.usedPercent.size === 0) return [];
  const path = { teamId: team.id, principalId: principal.id, tier: tier.id, workload, client };
  return reachedRungs(snapshot.budgetsFor(path), estimate, standings, isOffPeak === true);
}

interface ClosedList {
  readonly mode: RuleMode;
  readonly reason: Reason;
  readonly cause: Extract<RefusalCause, { kind: 'access' }>;
}

function closedLists(facts: StatementFacts, context: DecisionContext): readonly ClosedList[] {
  const team = context.team.id;
  const caller = {
    team,
    department: context.team.department,
    principal: context.principal.id,
    role: context.role,
  };
  return closedBy(context.snapshot.access, facts, caller).map(({ entry, mode, what, action }) => {
    const verb = { read: 'read', write: 'write', any: 'touch' }[action];
    const message = `team ${team} may not ${verb} ${what}; ask ${entry.owner}`;
    const { id: listId, owner } = entry;
    return {
      mode,
      reason: { source: listId, message },
      cause: { kind: 'access', listId, what, team, owner, message },
    };
  });
}

function refusedByAccess(closed: readonly ClosedList[]): Outcome | undefined {
  const enforced = closed.filter(({ mode }) => mode === 'enforce');
  const [first] = enforced;
  if (first === undefined) return undefined;
  return { cause: first.cause, reasons: enforced.map(({ reason }) => reason) };
}

function firstLine(thrown: unknown): string {
  return toError(thrown).message.split('\n', 1)[0]?.slice(0, 120) ?? '';
}

/** A rule of which nobody's word can lift anything stands, whatever was granted. */
function isLifted(rule: CompiledRule['rule'], lifted: Lifted | undefined): boolean {
  if (lifted === undefined || rule.effect === 'allow-external') return false;
  if (rule.effect !== 'approve' && rule.approvable === false) return false;
  return lifted.passes.has(rule.effect === 'ceiling' ? 'ceiling' : `rule:${rule.id}`);
}

function lowestCeiling({ tier, lifted }: CeilingContext, enforced: readonly Fired[]): Credits {
  return enforced.reduce(
    (lowest, { rule }) =>
      rule.effect === 'ceiling' ? minAmount(lowest, parseCredits(rule.ceilingCredits)) : lowest,
    tierCeiling({ tier, lifted }),
  );
}

type CeilingContext = Pick<DecisionContext, 'tier'> & { readonly lifted?: Lifted | undefined };

/** The tier's, or the amount that was granted in its place. */
function tierCeiling({ tier, lifted }: CeilingContext): Credits {
  const amount = lifted?.passes.has('ceiling') === true ? lifted.amountCredits : null;
  return amount ?? tier.ceilingCredits;
}

interface Outcome {
  readonly cause: RefusalCause;
  readonly reasons: readonly Reason[];
}

function refusedByRule(enforced: readonly Fired[]): Outcome | undefined {
  return outcomeOfRules(enforced.filter(({ rule }) => rule.effect === 'refuse'));
}

interface Approval extends Outcome {
  readonly waitSeconds: number;
}

/** The statement waits as long as the most patient of the rules says. */
function approvalByRule(enforced: readonly Fired[]): Approval | undefined {
  const waits = enforced.flatMap(({ rule }) =>
    rule.effect === 'approve' ? [rule.waitSeconds ?? 0] : [],
  );
  const outcome = outcomeOfRules(enforced.filter(({ rule }) => rule.effect === 'approve'));
  return outcome === undefined ? undefined : { ...outcome, waitSeconds: Math.max(...waits) };
}

function opaqueApproval(facts: StatementFacts, context: DecisionContext): Approval | undefined {
  const outcome = refusedOpaque(facts, context, 'approve');
  return outcome === undefined ? undefined : { ...outcome, waitSeconds: 0 };
}

function outcomeOfRules(fired: readonly Fired[]): Outcome | undefined {
  const first = fired[0];
  if (first === undefined) return undefined;
  // One that nobody's word lifts is told before the others.
  const told = fired.find(({ rule }) => !isApprovable(rule)) ?? first;
  return {
    cause: {
      kind: 'rule',
      ruleId: told.rule.id,
      message: told.reason.message,
      ...(isApprovable(told.rule) ? {} : { isApprovable: false }),
    },
    reasons: fired.map(({ reason }) => reason),
  };
}

function isApprovable(rule: CompiledRule['rule']): boolean {
  return !('approvable' in rule) || rule.approvable !== false;
}

function refusedLocation(
  facts: StatementFacts,
  { location, lifted }: DecisionContext,
  enforced: readonly Fired[],
): Outcome | undefined {
  if (lifted?.passes.has('external-location') === true) return undefined;
  // A load, unload or file statement always names a place; none means that it was not found.
  if (location === 'internal' || (location === 'none' && !movesFiles(facts))) return undefined;
  if (enforced.some(({ rule }) => rule.effect === 'allow-external')) return undefined;
  const seen = location === 'external' ? 'external' : 'unknown';
  return {
    cause: { kind: 'external-location', location: seen },
    reasons: [
      {
        source: 'external-location',
        message:
          seen === 'external'
            ? 'data may not be loaded from or unloaded to places outside the account'
            : 'the stage may lie outside the account',
      },
    ],
  };
}

function movesFiles(facts: StatementFacts): boolean {
  return facts.class === 'load' || facts.class === 'unload' || facts.class === 'file';
}

function refusedOpaque(
  facts: StatementFacts,
  { tier, lifted }: DecisionContext,
  policy: 'refuse' | 'approve',
): Outcome | undefined {
  if (!facts.opaque || tier.opaque !== policy) return undefined;
  if (lifted?.passes.has('opaque') === true) return undefined;
  return {
    cause: { kind: 'opaque' },
    reasons: [
      { source: 'opaque', message: 'what this statement does cannot be seen from its text' },
    ],
  };
}

/** A guess never refuses by amount alone; its hold is taken and a budget may refuse it. */
function refusedByCeiling(
  estimate: Estimate,
  ceilingCredits: Credits,
  tier: Tier,
  enforced: readonly Fired[],
): Outcome | undefined {
  if (estimate.basis === 'GUESS' || estimate.basis === 'FREE') return undefined;
  if (compareAmounts(estimate.highCredits, ceilingCredits) <= 0) return undefined;
  return {
    cause: {
      kind: 'ceiling',
      ceilingCredits,
      source:
        compareAmounts(ceilingCredits, tier.ceilingCredits) < 0 ? 'a rule' : `tier ${tier.id}`,
      ...(enforced.some(
        ({ rule }) =>
          rule.effect === 'ceiling' &&
          !isApprovable(rule) &&
          compareAmounts(estimate.highCredits, parseCredits(rule.ceilingCredits)) > 0,
      )
        ? { isApprovable: false }
        : {}),
    },
    reasons: [{ source: 'ceiling', message: 'the estimate is above what one statement may cost' }],
  };
}

function routeByRule(
  enforced: readonly Fired[],
  context: DecisionContext,
):
  | { readonly kind: 'allow'; readonly reasons: readonly Reason[] }
  | {
      readonly kind: 'reroute' | 'queue';
      readonly tier: string;
      readonly reasons: readonly Reason[];
      readonly isApprovable?: boolean;
    } {
  const candidates = enforced.flatMap(({ rule, reason }) =>
    rule.effect === 'reroute' || rule.effect === 'queue'
      ? [{ kind: rule.effect, tier: rule.tier, reason, isApprovable: isApprovable(rule) }]
      : [],
  );
  // A rule that names the tier the statement is in already changes nothing.
  const moves = candidates.filter((candidate) => candidate.tier !== context.tier.id);
  const chosen = moves.find((move) => move.kind === 'reroute') ?? moves[0];
  if (chosen === undefined) return { kind: 'allow', reasons: [] };
  const { kind, tier, reason } = chosen;
  return {
    kind,
    tier,
    reasons: [reason],
    ...(chosen.isApprovable ? {} : { isApprovable: false }),
  };
}
