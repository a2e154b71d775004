/**
 * Every ending that has a code. A refusal (TG1–TG4) is a value the pipeline returns; a fault (TG5 and whatever a
 * part cannot complete) is thrown as `Fault` and mapped to a reply in one place. Dashboards, alerts and people's
 * scripts use these codes: adding is cheap, renaming is a breaking change.
 */
export const TG_CODES = {
  // TG1 caller
  unauthenticated: { tg: 1001, sqlState: '28000' },
  principalUnknown: { tg: 1002, sqlState: '28000' },
  principalSuspended: { tg: 1003, sqlState: '28000' },
  accountUnknown: { tg: 1004, sqlState: '08004' },
  requestMalformed: { tg: 1010, sqlState: '42601' },
  requestTooLarge: { tg: 1011, sqlState: '54000' },
  requestIdReused: { tg: 1012, sqlState: '42501' },
  pathRefused: { tg: 1013, sqlState: '42501' },
  surfaceForm: { tg: 1020, sqlState: '42601' },
  ticketUnknown: { tg: 1021, sqlState: '02000' },
  // TG2 not run
  budgetExceeded: { tg: 2001, sqlState: '42501' },
  ruleRefused: { tg: 2101, sqlState: '42501' },
  opaqueRefused: { tg: 2102, sqlState: '42501' },
  accessRefused: { tg: 2103, sqlState: '42501' },
  offPeakOnly: { tg: 2104, sqlState: '42501' },
  runRateExceeded: { tg: 2110, sqlState: '42501' },
  retryStorm: { tg: 2111, sqlState: '42501' },
  frozen: { tg: 2112, sqlState: '42501' },
  ceilingExceeded: { tg: 2201, sqlState: '42501' },
  queueFull: { tg: 2301, sqlState: '42501' },
  queueTimeout: { tg: 2302, sqlState: '42501' },
  waitAbandoned: { tg: 2303, sqlState: '42501' },
  approvalNeeded: { tg: 2401, sqlState: '42501' },
  approvalDeclined: { tg: 2402, sqlState: '42501' },
  ledgerUnavailable: { tg: 2501, sqlState: '42501' },
  controlStale: { tg: 2502, sqlState: '42501' },
  // TG4 stopped while running
  ceilingReached: { tg: 4001, sqlState: '57014' },
  budgetExhausted: { tg: 4002, sqlState: '57014' },
  killed: { tg: 4003, sqlState: '57014' },
  clientGone: { tg: 4004, sqlState: '57014' },
  // TG5 upstream or ours
  upstreamUnreachable: { tg: 5001, sqlState: '08001' },
  upstreamProtocol: { tg: 5002, sqlState: '08S01' },
  shuttingDown: { tg: 5010, sqlState: '57P01' },
  internal: { tg: 5099, sqlState: 'XX000' },
} as const;

export type TgName = keyof typeof TG_CODES;

/** `TG2001`. */
export function tgLabel(name: TgName): string {
  return `TG${TG_CODES[name].tg}`;
}

/** The name of a label such as `TG2001`; undefined for one that no version of ours has. */
export function tgName(label: string): TgName | undefined {
  return (Object.keys(TG_CODES) as TgName[]).find((name) => tgLabel(name) === label);
}

/** The `code` a driver sees: 710000 plus the TG number, as a numeric string (`"712001"`). */
export function driverCode(name: TgName): string {
  return String(710_000 + TG_CODES[name].tg);
}

/** An operation that could not be completed. `message` may be shown to the client; `detail` may not. */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly code: TgName;
  readonly detail: Readonly<Record<string, unknown>>;

  constructor(
    code: TgName,
    message: string,
    options: { readonly cause?: unknown; readonly detail?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.detail = options.detail ?? {};
  }
}

/** Whatever was thrown, as an Error. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
