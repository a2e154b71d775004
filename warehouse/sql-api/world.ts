import type { LoginWorld } from '../identity/open-session.js';
import type { Statements } from '../statement/statements.js';
import type { ApiRequests } from './requests.js';

/** What the SQL API is answered from. */
export interface SqlApiWorld extends LoginWorld {
  readonly statements: Statements;
  readonly apiRequests: ApiRequests;
  /** How long a request waits for a statement before it is told to ask again, in real milliseconds. */
  readonly longPollMs: number;
}
