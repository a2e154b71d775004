/**
 * The end of a statement as its final reply shows it: what it used, what the history learns, and the settlement. A
 * statement ends once, whichever reply shows the end first: the one to its request, a poll's, or a status check's.
 */
import { toError } from '#base/errors.js';
import { inTime } from '#base/in-time.js';
import type { EpochMs } from '#base/time.js';
import { NO_CREDITS, compareAmounts, creditsForMillis, approximate } from '#base/units.js';
import type { Credits } from '#base/units.js';
import { WIRE_CODES } from '#base/wire/codes.js';
import type { TicketId } from '#base/ids.js';
import type { Ending, Settlement } from '#billing/ledger.js';
import { statisticsSeconds } from '#policies/estimate/estimator.js';
import type { StatementEnd } from '../front.js';
import type { Parts } from '../parts.js';
import { BYTES_PER_SECOND_PER_CREDIT } from '../estimate.js';
import type { StormKey } from '../storms.js';
import type { RunningStatement } from '../running/running.js';

/** Settles a running statement. Does nothing when it has ended before. */
export function finishStatement(parts: Parts, ticketId: TicketId, end: StatementEnd): void {
  const endedAt = parts.clock.now();
  const ended = parts.running.end(ticketId, endedAt);
  if (ended === undefined) return;
  const { statement } = ended;
  const usedMs = usedNoWarehouse(end) ? 0 : ended.usedMs;
  const usedCredits =
    usedMs === 0 ? NO_CREDITS : creditsForMillis(statement.creditsPerHour, usedMs, 'half-even');
  parts.events.used(statement.teamId, statement.tier, usedCredits);
  noteRun(parts, statement, usedCredits, endedAt);
  noteStorm(parts, statement.stormKey, end, statement.stop?.code === 'killed');
  if (end.isSuccess) {
    learn(parts, statement, usedMs, endedAt - statement.startedAt);
    parts.events.estimated({
      estimate: statement.estimate,
      warehouse: statement.warehouse,
      usedCredits,
    });
  }
  const queryId = end.queryId ?? statement.queryId;
  const outcome = bytesScanned(parts, statement, usedMs > 0 ? queryId : null).then(
    (bytes): Settlement => ({
      ticketId,
      ending: endingOf(end, statement),
      endCode: end.isSuccess ? null : end.code,
      snowflakeQueryId: queryId,
      childQueryIds: end.childQueryIds,
      usedCredits,
      warehouseMs: usedMs,
      bytesScanned: bytes,
      rowsProduced: end.rows,
      startedAt: statement.startedAt,
      endedAt,
    }),
  );
  parts.settler.submit(ticketId, outcome);
}

/** For the breaker of statements that fail in a loop; what a client or an administrator cancelled says nothing. */
export function noteStorm(
  { storms }: Pick<Parts, 'storms'>,
  key: StormKey,
  end: StatementEnd,
  isKilled: boolean,
): void {
  if (end.isSuccess) return storms.ended(key, null);
  const isCancelled = end.code === WIRE_CODES.queryCancelled;
  if (isKilled || isCancelled) return;
  storms.ended(key, { code: end.code ?? end.sqlState ?? 'unknown', message: end.message ?? '' });
}

/** For the run-rate guard, where one holds for the shape. */
function noteRun(
  { control, runRates }: Parts,
  { ticketId, teamId, tier, fingerprint }: RunningStatement,
  usedCredits: Credits,
  at: EpochMs,
): void {
  const rates = control.current()?.runRatesFor(teamId, tier) ?? [];
  if (rates.length > 0 && compareAmounts(usedCredits, NO_CREDITS) > 0)
    runRates.note({ teamId, fingerprint, ticketId, usedCredits, at });
}

/** Failed before a warehouse was asked: syntax, names, rights (class 42), features (0A), missing objects (02). */
function usedNoWarehouse(end: StatementEnd): boolean {
  return !end.isSuccess && /^(?:42|0A|02)/.test(end.sqlState ?? '');
}

function endingOf(end: StatementEnd, statement: RunningStatement): Ending {
  if (end.isSuccess) return 'succeeded';
  if (statement.stop !== null) return 'stopped';
  return end.code === WIRE_CODES.queryCancelled ? 'cancelled' : 'failed';
}

function learn(parts: Parts, statement: RunningStatement, usedMs: number, elapsedMs: number): void {
  const { shape, believed, bytes } = statement.estimate;
  if (shape === null) return;
  parts.history.record(statement.upstream.account, {
    shape,
    believed,
    creditsPerHour: approximate(statement.creditsPerHour),
    seconds: usedMs / 1000,
    elapsedSeconds: elapsedMs / 1000,
    statisticsSeconds: statisticsSeconds(
      bytes,
      statement.creditsPerHour,
      BYTES_PER_SECOND_PER_CREDIT,
    ),
  });
}

/** Longest wait for a figure that is only shown: the settlement goes on without it, and the receipt is there at once. */
const FACTS_TIMEOUT_MS = 600;

async function bytesScanned(
  parts: Parts,
  statement: RunningStatement,
  queryId: string | null,
): Promise<number | null> {
  if (queryId === null) return null;
  try {
    const facts = await inTime(
      FACTS_TIMEOUT_MS,
      statement.front.facts(statement.upstream, statement.upstreamToken, queryId),
    );
    return facts?.bytesScanned ?? null;
  } catch (thrown) {
    parts.log.debug({ err: toError(thrown) }, 'bytes of a statement stay unknown');
    return null;
  }
}
