/**
 * The breaker of one shape of one caller that fails in a loop. It opens after a number of failures within a window,
 * each of a statement that came when the failure before it had been told; so a burst of statements at once is one. While
 * it is open nothing is sent; then one is let through, and its end closes the breaker or opens it for twice as long. A
 * success forgets everything. Pure; times are monotonic milliseconds of real time.
 */

export const STORM_FAILURES = 20;
export const STORM_WINDOW_MS = 60_000;
const OPEN_MS = 15_000;
const OPEN_MS_MAX = 300_000;
/** What was refused costs nothing to try, and somebody may have lifted the reason. */
const OPEN_REFUSED_MS_MAX = 30_000;
/** One that was let through and has not ended: another is let through after this long. */
const PROBE_MS = 60_000;

/** What a caller was told of the last failure. */
export interface StormFailure {
  readonly kind: 'failed' | 'refused';
  /** Snowflake's code, or `TG2001`. */
  readonly code: string;
  readonly message: string;
}

export interface StormState {
  /** When the latest failures were told, oldest first; at most {@link STORM_FAILURES}. */
  readonly failedAtMs: readonly number[];
  readonly last: StormFailure;
  /** Failures since the last success. */
  readonly failures: number;
  /** null: closed. */
  readonly open: {
    readonly untilMs: number;
    readonly forMs: number;
    /** When one was let through; null: none was yet. */
    readonly probedAtMs: number | null;
  } | null;
}

export type StormAnswer =
  | { readonly kind: 'pass'; readonly state: StormState | undefined }
  | { readonly kind: 'open'; readonly untilMs: number };

/** Whether a statement that comes now is sent. */
export function askBreaker(state: StormState | undefined, nowMs: number): StormAnswer {
  const open = state?.open ?? null;
  if (state === undefined || open === null) return { kind: 'pass', state };
  if (nowMs < open.untilMs) return { kind: 'open', untilMs: open.untilMs };
  if (open.probedAtMs !== null && nowMs < open.probedAtMs + PROBE_MS)
    return { kind: 'open', untilMs: open.probedAtMs + PROBE_MS };
  return { kind: 'pass', state: { ...state, open: { ...open, probedAtMs: nowMs } } };
}

/** After a statement failed that had come at `arrivedAtMs`. */
export function afterFailure(
  state: StormState | undefined,
  last: StormFailure,
  { arrivedAtMs, nowMs }: { readonly arrivedAtMs: number; readonly nowMs: number },
): StormState {
  if (state === undefined) return { failedAtMs: [nowMs], last, failures: 1, open: null };
  const latest = state.failedAtMs.at(-1) ?? -Infinity;
  // It was under way when the failure before it was told: nobody repeats what it was not told of.
  if (arrivedAtMs <= latest) return { ...state, last };
  const failedAtMs = [...state.failedAtMs, nowMs].slice(-STORM_FAILURES);
  const failures = state.failures + 1;
  const { open } = state;
  if (open !== null && open.probedAtMs === null) return { ...state, last };
  if (open !== null) {
    const most = last.kind === 'refused' ? OPEN_REFUSED_MS_MAX : OPEN_MS_MAX;
    const forMs = Math.min(open.forMs * 2, most);
    const again = { untilMs: nowMs + forMs, forMs, probedAtMs: null };
    return { failedAtMs, last, failures, open: again };
  }
  const isStorm =
    failedAtMs.length === STORM_FAILURES && nowMs - (failedAtMs[0] ?? nowMs) <= STORM_WINDOW_MS;
  return {
    failedAtMs,
    last,
    failures,
    open: isStorm ? { untilMs: nowMs + OPEN_MS, forMs: OPEN_MS, probedAtMs: null } : null,
  };
}
