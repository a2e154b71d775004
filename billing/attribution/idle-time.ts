/** Where clusters of an hour were up, or billed, with nothing on them. Weights are rate × milliseconds. */
import type { Credits } from '#base/units.js';
import { gapsIn } from './server-time.js';
import type { Gap } from './server-time.js';
import { HOUR_MS, millisIn } from './warehouse-hour.js';
import type { ClusterSpan, Execution, IdleReason, WarehouseHour } from './warehouse-hour.js';

export interface IdleTime {
  readonly bucket: 'idle' | 'resumeMinute';
  readonly reason: IdleReason | null;
  readonly queryId: string | null;
  readonly creditsPerHour: Credits;
  readonly millis: number;
}

/** Idle time and resume minutes of the hour, from the spans of its clusters; none where spans are not known. */
export function idleTimes(hour: WarehouseHour): readonly IdleTime[] {
  return (hour.spans ?? []).flatMap((span) => {
    const own = hour.executions.filter((execution) => runsIn(execution, span));
    return [...idleIn(hour, span, own), ...resumeMinute(hour, span, own)];
  });
}

/** On these servers, while they were up. An execution outlives the size that it began on: then it is not of the span. */
function runsIn(execution: Execution, span: ClusterSpan): boolean {
  return (
    execution.cluster === span.cluster &&
    execution.creditsPerHour === span.creditsPerHour &&
    execution.endsAt > span.startsAt &&
    (span.endsAt === null || execution.startsAt < span.endsAt)
  );
}

function idleIn(
  hour: WarehouseHour,
  span: ClusterSpan,
  executions: readonly Execution[],
): readonly IdleTime[] {
  const hourEndsAt = hour.startsAt + HOUR_MS;
  const upTo = span.endsAt ?? hourEndsAt;
  return gapsIn(executions, span.startsAt, Math.max(span.startsAt, upTo)).flatMap((gap) => {
    const millis = millisIn(hour.startsAt, gap);
    if (millis === 0) return [];
    const queryId = (gap.before ?? gap.after)?.queryId ?? null;
    const reason = reasonOf(gap);
    return [
      { bucket: 'idle' as const, reason, queryId, creditsPerHour: span.creditsPerHour, millis },
    ];
  });
}

function reasonOf({ before, after }: Gap): IdleReason {
  if (before === null) return after === null ? 'unused' : 'beforeFirst';
  return after === null ? 'suspendTail' : 'between';
}

function resumeMinute(
  hour: WarehouseHour,
  span: ClusterSpan,
  executions: readonly Execution[],
): readonly IdleTime[] {
  if (span.endsAt === null) return [];
  const billedTo = span.startsAt + span.minimumMs;
  const millis = millisIn(hour.startsAt, { startsAt: span.endsAt, endsAt: billedTo });
  if (millis === 0) return [];
  const first = [...executions].sort(
    (a, b) => a.startsAt - b.startsAt || (a.queryId < b.queryId ? -1 : 1),
  )[0];
  return [
    {
      bucket: 'resumeMinute',
      reason: null,
      queryId: first?.queryId ?? null,
      creditsPerHour: span.creditsPerHour,
      millis,
    },
  ];
}
