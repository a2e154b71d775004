/**
 * The type of a statement at each step of its path. A step takes the stage before it and adds one field, so that a
 * statement which was not reserved and admitted cannot be dispatched: it would not compile.
 */
import type { EpochMs } from '#base/time.js';
import type { Origin } from '#policies/workload-tools.js';
import type { Credits, Money } from '#base/units.js';
import type { BreakGlassReason } from '#billing/break-glass.js';
import type { ControlSnapshot, Tier } from '#policies/control/snapshot.js';
import type { PrincipalDocument, TeamDocument } from '#policies/control/document.js';
import type { LaneLimits } from '#policies/lanes/lane.js';
import type { Estimate } from '#policies/estimate/estimate.js';
import type { LadderStandings } from '#policies/rules/ladder.js';
import type { TextFacts } from '#policies/sql/facts.js';
import type { Call } from './call.js';
import type { Permit } from './admission/lane.js';
import type { Hold } from './hold.js';
import type { SessionState } from './identity/sessions.js';
import type { SealedIdentity } from './identity/tokens.js';
import type { Front } from './front.js';
import type { QueryRequest } from './wire/query-request.js';
import type { Refusal } from './wire/refusal.js';
import type { Upstream } from './upstream/upstreams.js';

/** What changes in a client's body on its way upstream; null: nothing is set. */
export interface BodyChanges {
  readonly tag: string | null;
  readonly timeoutSeconds: number | null;
  readonly sqlText: string | null;
}

/** 1. The body has been read and understood. */
export interface Received {
  readonly call: Call;
  readonly front: Front;
  readonly requestId: string;
  readonly query: QueryRequest;
  /** The body with its changes; all other bytes as the client wrote them. */
  readonly edited: (changes: BodyChanges) => Promise<Buffer>;
  readonly bodyBytes: number;
  /** The client compressed its body. */
  readonly wasCompressed: boolean;
}

/** Where and at what price a statement would run. */
export interface Placement {
  readonly tier: Tier;
  /** null: the session has no warehouse. */
  readonly warehouse: string | null;
  readonly warehouseSize: string | null;
  readonly creditsPerHour: Credits;
  readonly pricePerCredit: Money;
  readonly currency: string;
}

/** A principal with the team it belongs to, or acts for. */
export interface Payer {
  readonly principal: PrincipalDocument;
  readonly team: TeamDocument;
}

/** 2. Who asks, on which session, and which principal of which team pays. */
export interface Identified extends Received, Payer {
  readonly identity: SealedIdentity;
  readonly upstream: Upstream;
  readonly session: SessionState;
  readonly snapshot: ControlSnapshot;
  /** Who signed in; reads what is Tollgate's for its own team only, also where another one pays. */
  readonly signedIn: Payer;
  /** A signed claim of `signedIn` named the team. */
  readonly isOnBehalf: boolean;
  /** The text that goes upstream, where it is not the client's own: ids of ours stand for Snowflake's. */
  readonly sentText: string | null;
}

/** 3. What the text does, and which workload of the team it belongs to. */
export interface Analysed extends Identified {
  readonly workload: string | null;
  readonly origin: Origin | null;
  readonly facts: TextFacts;
}

/** 4. What it would cost, and where. */
export interface Estimated extends Analysed {
  readonly placement: Placement;
  /** Of the whole text; the sum of `estimateParts`. */
  readonly estimate: Estimate;
  /** One entry a statement of the text, in order. */
  readonly estimateParts: readonly Estimate[];
  /** Uses no warehouse: skips steps 6 and 7. */
  readonly isFree: boolean;
  /** How the budgets of its path stand; absent: none has a ladder. */
  readonly standings?: LadderStandings;
  /** It runs on the warehouse of its placement, onto which its session is switched for it. */
  readonly isSwitched?: boolean;
}

/** The statement runs by somebody's word only. */
export interface PendingApproval {
  /** What that word has to lift, all of it. */
  readonly passes: readonly string[];
  /** Told where nobody has given it. */
  readonly refusal: Refusal;
  /** How long it waits for it; 0: not at all. */
  readonly waitSeconds: number;
  /** What is in its way, for whoever decides. */
  readonly reason: string;
}

/** 5. Allowed by the rules, up to a ceiling. */
export interface Allowed extends Estimated {
  readonly ceilingCredits: Credits;
  /** Where it waits for a permit: its tier's, or that of the tier a rule queues it in. */
  readonly lane: LaneLimits;
  /** null: by nobody's word. */
  readonly approval: PendingApproval | null;
  /** It waits for the off-peak hours, which begin then; absent: it does not. */
  readonly runsAt?: EpochMs;
  /** It passes budgets, rules and queues in an emergency. */
  readonly breakGlass?: BreakGlassReason;
}

/** 6. Its hold is taken on every budget of the path (or it is free). */
export interface Reserved extends Allowed {
  readonly hold: Hold;
  /** What the timeout sent upstream is made of: the ceiling, or less where a hard budget has less to give. */
  readonly backstopCredits: Credits;
  /** Of a statement that was admitted without the ledger, where its tier's queue is. */
  readonly offlinePermit?: Permit;
}

/** 7. It may run now. */
export interface Admitted extends Reserved {
  readonly permit: Permit;
  /** Upstream has answered: others of its session may be sent, on the session's own warehouse. Later calls do nothing. */
  readonly endTurn: () => Promise<void>;
}

/** A place for every field of every stage. */
const PLACES: Readonly<Record<keyof Admitted, undefined>> = {
  call: undefined,
  front: undefined,
  requestId: undefined,
  query: undefined,
  edited: undefined,
  bodyBytes: undefined,
  wasCompressed: undefined,
  principal: undefined,
  team: undefined,
  identity: undefined,
  upstream: undefined,
  session: undefined,
  snapshot: undefined,
  signedIn: undefined,
  isOnBehalf: undefined,
  sentText: undefined,
  workload: undefined,
  origin: undefined,
  facts: undefined,
  placement: undefined,
  estimate: undefined,
  estimateParts: undefined,
  isFree: undefined,
  standings: undefined,
  isSwitched: undefined,
  ceilingCredits: undefined,
  lane: undefined,
  approval: undefined,
  runsAt: undefined,
  breakGlass: undefined,
  hold: undefined,
  backstopCredits: undefined,
  offlinePermit: undefined,
  permit: undefined,
  endTurn: undefined,
};

/**
 * A statement as it begins its path, with a place for every field that a later stage sets. V8 of Node 20 gives each
 * object to which `{ ...statement, field }` adds a field a hidden class of its own: that takes a microsecond a field, and
 * from there on every reading of it is a look-up. Where the field has its place, neither is so. The types do not show
 * the places: of a statement that was not reserved there is still no hold to be had.
 */
export function firstStage(received: Received): Received {
  return { ...PLACES, ...received };
}
