/** What a decision about a statement takes beside its facts and its estimate. */
import type { EpochMs } from '#base/time.js';
import type { PrincipalDocument, TeamDocument } from '../control/document.js';
import type { ControlSnapshot, Tier } from '../control/snapshot.js';
import type { Estimate } from '../estimate/estimate.js';
import type { StatementFacts } from '../sql/facts.js';
import type { Lifted } from './decision.js';
import type { LadderStandings } from './ladder.js';
import type { StageLocation } from './stage-location.js';
import type { TableSizes } from './table-sizes.js';

export interface DecisionContext {
  readonly snapshot: ControlSnapshot;
  readonly account: string;
  readonly team: TeamDocument;
  readonly principal: PrincipalDocument;
  /** The shared principal whose claim named team and principal; null without one. */
  readonly via: PrincipalDocument | null;
  readonly role: string | null;
  /** The tier whose warehouse the statement would run on. */
  readonly tier: Tier;
  readonly warehouse: string;
  readonly workload: string | null;
  /** Driver and version as the login said; descriptive only. */
  readonly client: string;
  readonly location: StageLocation;
  /** What it changes of session, warehouses and account (`steersOf`); absent: nothing. */
  readonly steers?: readonly string[] | undefined;
  /** Of the tables it reads; absent: none are known. */
  readonly sizes?: TableSizes | undefined;
  readonly at: EpochMs;
  /** What a granted request lifts; absent: nothing. */
  readonly lifted?: Lifted;
  /** How the budgets of the path stand, for their ladders; absent: no rung is reached. */
  readonly standings?: LadderStandings;
  /** Its caller has asked that it waits for the off-peak hours. */
  readonly isOffPeak?: boolean;
}

/** What a decision takes of each statement of a text. */
export interface JudgedPart extends Pick<DecisionContext, 'location' | 'steers' | 'sizes'> {
  readonly facts: StatementFacts;
  readonly estimate: Estimate;
}
