/**
 * What each statement took of its warehouse's compute: at every instant the running cluster's rate is shared equally
 * by the statements on it; time without statements is nobody's (idle). Source: Snowflake, QUERY_ATTRIBUTION_HISTORY
 * (idle time is not attributed, statements of about 100 ms and less are left out).
 */
import { NO_CREDITS, addCredits, mulDiv } from '#base/units.js';
import type { Credits } from '#base/units.js';
import type { EpochMs } from '#base/time.js';
import type { LoggedStatement, StatementEnded } from './events.js';
import { creditsPerHour } from '../fleet/rates.js';

const HOUR_MS = 3_600_000;
const SHORTEST_MS = 100;

export interface Attribution {
  readonly statement: LoggedStatement;
  readonly credits: Credits;
}

export interface Attributed {
  /** In order of arrival. */
  readonly statements: readonly Attribution[];
  /** Sums by `<hour start> <warehouse>`. */
  readonly byHour: ReadonlyMap<string, Credits>;
}

/** The key of {@link Attributed.byHour}. */
export function hourKey(hourStartsAt: EpochMs, warehouse: string): string {
  return `${hourStartsAt} ${warehouse}`;
}

interface Edge {
  readonly at: EpochMs;
  readonly ended: StatementEnded;
  readonly isStart: boolean;
}

/** Attributes every ended statement that ran on a warehouse for longer than 100 ms. */
export function attribute(statements: Iterable<LoggedStatement>): Attributed {
  const ran: { readonly statement: LoggedStatement; readonly ended: StatementEnded }[] = [];
  const edges = new Map<string, Edge[]>();
  for (const statement of statements) {
    const { ended } = statement;
    if (ended === undefined || ended.warehouse === null || ended.size === null) continue;
    if (ended.at - ended.runningSince <= SHORTEST_MS) continue;
    ran.push({ statement, ended });
    const own = edges.get(ended.warehouse) ?? [];
    own.push(
      { at: ended.runningSince, ended, isStart: true },
      { at: ended.at, ended, isStart: false },
    );
    edges.set(ended.warehouse, own);
  }
  const credits = new Map<StatementEnded, Credits>();
  const byHour = new Map<string, Credits>();
  for (const [warehouse, own] of edges) shareOut(warehouse, own, credits, byHour);
  return {
    statements: ran.map(({ statement, ended }) => ({
      statement,
      credits: credits.get(ended) ?? NO_CREDITS,
    })),
    byHour,
  };
}

function shareOut(
  warehouse: string,
  edges: Edge[],
  credits: Map<StatementEnded, Credits>,
  byHour: Map<string, Credits>,
): void {
  edges.sort((a, b) => a.at - b.at);
  const running = new Set<StatementEnded>();
  let from = 0;
  for (const edge of edges) {
    for (const [startsAt, endsAt] of hoursOf(from, running.size === 0 ? from : edge.at)) {
      const key = hourKey(Math.floor(startsAt / HOUR_MS) * HOUR_MS, warehouse);
      for (const one of running) {
        const part = shareOf(one, endsAt - startsAt, running.size);
        credits.set(one, addCredits(credits.get(one) ?? NO_CREDITS, part));
        byHour.set(key, addCredits(byHour.get(key) ?? NO_CREDITS, part));
      }
    }
    from = edge.at;
    if (edge.isStart) running.add(edge.ended);
    else running.delete(edge.ended);
  }
}

/** Rounded down, so that what is attributed never exceeds what is metered. */
function shareOf(ended: StatementEnded, millis: number, sharers: number): Credits {
  if (ended.size === null) return NO_CREDITS;
  const rate = creditsPerHour(ended.size, ended.runningSince);
  return mulDiv(rate, BigInt(millis), BigInt(HOUR_MS * sharers), 'down') as Credits;
}

function hoursOf(from: EpochMs, to: EpochMs): readonly (readonly [EpochMs, EpochMs])[] {
  const spans: (readonly [EpochMs, EpochMs])[] = [];
  for (let at = from; at < to;) {
    const until = Math.min(to, (Math.floor(at / HOUR_MS) + 1) * HOUR_MS);
    spans.push([at, until]);
    at = until;
  }
  return spans;
}
