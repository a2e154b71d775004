/** What the statements that the server answers itself look at, and what becomes of them. */
import type { Clock } from '#base/time.js';
import type { Engine } from '../engine/engine.js';
import type { Fleet } from '../fleet/fleet.js';
import type { Lockout } from '../identity/lockout.js';
import type { LoginFailures } from '../identity/login-failures.js';
import type { Sessions } from '../identity/sessions.js';
import type { Users } from '../identity/users.js';
import type { Operations } from './operator-functions.js';
import type { Outcome } from './outcome.js';
import type { Statements } from './statements.js';

/** What such statements may look at. */
export interface OwnWorld {
  readonly clock: Clock;
  /** Epoch milliseconds of real time, by which credentials are set and expire. */
  readonly realNow: () => number;
  readonly engine: Engine;
  readonly fleet: Fleet;
  readonly sessions: Sessions;
  readonly users: Users;
  readonly lockout: Lockout;
  readonly failures: LoginFailures;
  readonly statements: () => Statements;
  readonly operations: Operations;
}

export type OwnAnswer =
  | { readonly kind: 'answered'; readonly outcome: Outcome }
  | { readonly kind: 'wait'; readonly waitMs: number }
  | { readonly kind: 'engine' };
