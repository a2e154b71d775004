/** Step 4: where the statement would run, and what it would cost there. */
import { must } from '#base/assert.js';
import type { EpochMs } from '#base/time.js';
import { NO_CREDITS, NO_MONEY, parseCredits } from '#base/units.js';
import type { ControlSnapshot, Tier } from '#policies/control/snapshot.js';
import { estimateText } from '#policies/estimate/estimator.js';
import type { ExplainBound } from '#policies/estimate/explain-bound.js';
import type { HistoryView } from '#policies/estimate/history-store.js';
import type { StatisticsView } from '#policies/estimate/table-statistics.js';
import type { StatementFacts, TextFacts } from '#policies/sql/facts.js';
import type { Parts } from './parts.js';
import type { Analysed, Estimated, Placement } from './stages.js';
import { callerRefusal } from './wire/refusal.js';
import type { Refusal } from './wire/refusal.js';

/**
 * Bytes a cluster of one credit an hour is assumed to scan in a second before anything was measured on it; the
 * history corrects it per warehouse size within a few statements. Published scan rates of an X-Small lie around it.
 */
export const BYTES_PER_SECOND_PER_CREDIT = 200_000_000;

/** What stands in for a rate where no warehouse is set: an X-Small, so that a guess has a duration. */
const RATE_WITHOUT_WAREHOUSE = parseCredits('1');

export type EstimateOutcome =
  | { readonly kind: 'estimated'; readonly statement: Estimated }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** What pricing a text takes; all of it is given, so that what is answered offline is what the live path answers. */
export interface PriceableText {
  readonly facts: TextFacts;
  readonly isDescribe: boolean;
  readonly snapshot: ControlSnapshot;
  /** null: the session has none. */
  readonly warehouse: string | null;
  /** Whose prices hold; absent: the only account of the document. */
  readonly account?: string;
  readonly history: HistoryView;
  readonly statistics: StatisticsView;
  readonly at: EpochMs;
  /** Name of the zone that its session's clock goes by; absent or null: not known. */
  readonly timeZone?: string | null;
  /** What Snowflake's EXPLAIN says that its one statement reads; absent: nobody asked. */
  readonly bound?: ExplainBound | null;
}

export type PricedText = Pick<Estimated, 'placement' | 'isFree' | 'estimate' | 'estimateParts'>;

export type PriceOutcome =
  | { readonly kind: 'priced'; readonly price: PricedText }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/**
 * Adds placement and estimate, by Snowflake's plan where there is one, or refuses as {@link priceText} does.
 * @param warehouse where it would run; the session's unless given.
 */
export function estimate(
  parts: Parts,
  statement: Analysed,
  bound: ExplainBound | null = null,
  warehouse: string | null = statement.session.warehouse,
): EstimateOutcome {
  const { account } = statement.identity;
  const outcome = priceText({
    facts: statement.facts,
    isDescribe: statement.query.isDescribe,
    snapshot: statement.snapshot,
    warehouse,
    account,
    history: parts.history.viewOf(account),
    statistics: parts.statistics.statisticsOf(account),
    at: parts.clock.now(),
    timeZone: clockZone(
      statement.facts,
      statement.query.sqlText,
      statement.query.clientTimeZone ?? statement.session.timeZone,
    ),
    bound,
  });
  if (outcome.kind === 'refused') return outcome;
  return { kind: 'estimated', statement: { ...statement, ...outcome.price } };
}

/**
 * The zone that the clock goes by while a text runs; null: not known, or some statement of the text may change it.
 * @param timeZone of the statement alone, else of its session.
 */
export function clockZone(
  { statements }: TextFacts,
  sqlText: string,
  timeZone: string | null,
): string | null {
  return statements.length > 1 && /timezone/i.test(sqlText) ? null : timeZone;
}

/**
 * Where a text would run and what it would cost there. Refused: a warehouse, rate or price the control document does
 * not know; a text that changes the warehouse between its statements.
 */
export function priceText(text: PriceableText): PriceOutcome {
  const { facts, snapshot, warehouse, at } = text;
  // Describing compiles only: policed like the statement, but it uses no warehouse.
  const isFree = text.isDescribe || facts.statements.every((each) => each.isFree);
  if (!isFree && changesWarehouse(text)) return { kind: 'refused', refusal: twoWarehouses() };
  const placed = place(snapshot, warehouse, at, isFree, text.account);
  if (placed.kind === 'refused') return placed;
  const { placement } = placed;
  const { total, parts: estimateParts } = estimateText(
    isFree ? { ...facts, statements: facts.statements.map(asFree) } : facts,
    {
      tier: placement.tier,
      warehouse: placement.warehouse ?? '',
      warehouseSize: placement.warehouseSize ?? '',
      creditsPerHour: placement.creditsPerHour,
      history: text.history,
      statistics: text.statistics,
      bytesPerSecondPerCredit: BYTES_PER_SECOND_PER_CREDIT,
      bound: text.bound ?? undefined,
      at,
      timeZone: text.timeZone ?? null,
    },
  );
  return { kind: 'priced', price: { placement, isFree, estimate: total, estimateParts } };
}

/**
 * `USE WAREHOUSE big; SELECT …` in one text, chain or block would run on another warehouse than the one it is priced
 * for.
 */
function changesWarehouse({ facts: { statements } }: PriceableText): boolean {
  return statements.some(
    ({ setsWarehouse, innerClasses }) =>
      setsWarehouse && (statements.length > 1 || innerClasses.length > 1),
  );
}

function twoWarehouses(): Refusal {
  return callerRefusal(
    'ruleRefused',
    'Not run, nothing charged: USE WAREHOUSE stands in one text with other statements, which is priced for one warehouse. Send it as a statement of its own, then the others.',
  );
}

/** A statement that is only described uses no warehouse, whatever it would read when run. */
function asFree(facts: StatementFacts): StatementFacts {
  return { ...facts, isFree: true };
}

/** Tier, size, rate and price of the session's warehouse at an instant. */
export function place(
  snapshot: ControlSnapshot,
  warehouse: string | null,
  at: EpochMs,
  isFree: boolean,
  account?: string,
):
  | { readonly kind: 'placed'; readonly placement: Placement }
  | { readonly kind: 'refused'; readonly refusal: Refusal } {
  const price = snapshot.priceAt('compute', at, { account });
  if (warehouse === null || isFree) {
    const tier =
      (warehouse === null ? undefined : snapshot.tierForWarehouse(warehouse)) ??
      snapshot.defaultTier();
    return {
      kind: 'placed',
      placement: {
        tier,
        warehouse,
        warehouseSize: warehouse === null ? null : (snapshot.warehouse(warehouse)?.size ?? null),
        creditsPerHour:
          (warehouse === null ? undefined : snapshot.rateOfWarehouse(warehouse, at)) ??
          RATE_WITHOUT_WAREHOUSE,
        pricePerCredit: price?.pricePerCredit ?? NO_MONEY,
        currency: price?.currency ?? snapshot.document.organisation.currency,
      },
    };
  }
  const tier = snapshot.tierForWarehouse(warehouse);
  const known = snapshot.warehouse(warehouse);
  const creditsPerHour = snapshot.rateOfWarehouse(warehouse, at);
  if (
    tier === undefined ||
    known === undefined ||
    creditsPerHour === undefined ||
    price === undefined
  ) {
    return {
      kind: 'refused',
      refusal: unplaceable(snapshot, warehouse, tier, creditsPerHour !== undefined),
    };
  }
  must(creditsPerHour > NO_CREDITS ? true : undefined, 'an accepted document has positive rates');
  return {
    kind: 'placed',
    placement: {
      tier,
      warehouse,
      warehouseSize: known.size,
      creditsPerHour,
      pricePerCredit: price.pricePerCredit,
      currency: price.currency,
    },
  };
}

function unplaceable(
  snapshot: ControlSnapshot,
  warehouse: string,
  tier: Tier | undefined,
  hasRate: boolean,
): Refusal {
  const known = snapshot.tiers.map((each) => each.warehouse).join(', ');
  const why =
    tier === undefined
      ? `warehouse ${warehouse.slice(0, 80)} belongs to no tier; use one of ${known}`
      : hasRate
        ? 'no price per credit is in force; ask the platform admins to enter one'
        : `no rate is known for warehouse ${warehouse.slice(0, 80)}; ask the platform admins to enter one`;
  return callerRefusal('ruleRefused', `Not run, nothing charged: ${why}.`);
}
