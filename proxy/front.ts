/**
 * A front is one of the protocols that statements arrive by: how a reply of it is written and read. The path of a
 * statement (pipeline.ts) is the same for all of them.
 */
import type { TicketId } from '#base/ids.js';
import type { Call } from './call.js';
import type { SessionContext, SessionState } from './identity/sessions.js';
import type { SealedIdentity } from './identity/tokens.js';
import type { SmallReply } from './relay.js';
import type { SurfaceAnswered } from './surface/result.js';
import type { QueryFacts } from './upstream/query-facts.js';
import type { Upstream } from './upstream/upstreams.js';
import type { QueryRequest } from './wire/query-request.js';
import type { Refusal } from './wire/refusal.js';
import type { ScannedReply } from './wire/reply-scanner.js';

/** Whoever waits for the answer of a statement: who sent it, or who polls for it. */
export interface Asker {
  readonly call: Call;
  readonly front: Front;
  readonly identity: SealedIdentity;
  readonly upstream: Upstream;
}

/** What a reply is made from, of the statement that it answers. */
export interface Answerable {
  readonly call: Call;
  readonly requestId: string;
  readonly query: QueryRequest;
  readonly session: SessionState;
}

/** How upstream said a statement ended. */
export interface StatementEnd {
  readonly isSuccess: boolean;
  readonly code: string | null;
  readonly sqlState: string | null;
  readonly queryId: string | null;
  /** Of a multi-statement: the queries of its statements, in order; empty for any other. */
  readonly childQueryIds: readonly string[];
  readonly rows: number | null;
  /** What upstream said of a failure; absent where nobody read it. */
  readonly message?: string | null;
}

/** What upstream's reply says of the statement. */
export type ReplyRead =
  /** It goes on; the id is null when the reply names none. */
  | { readonly kind: 'running'; readonly queryId: string | null }
  | { readonly kind: 'ended'; readonly end: StatementEnd }
  /** It has not run: the client is to renew its token and repeat the request. */
  | { readonly kind: 'renewalAsked' }
  /** A page of a gateway, a cut body: nobody said whether it ran. */
  | { readonly kind: 'unknown' };

export interface Front {
  /** Where a statement came from, in its tag. */
  readonly source: 'driver' | 'sqlapi';
  /** A statement that was not run, or was stopped. */
  refusal(refusal: Refusal, ticketId: TicketId | null): SmallReply;
  /** It waits or runs on: where to ask again. */
  inProgress(ticketId: string, isAsync: boolean): SmallReply;
  /** In the words of upstream: the statement was cancelled. */
  cancelled(ticketId: TicketId): SmallReply;
  /** Rows that Tollgate itself answers; `sentAtMs` is business time. */
  rows(statement: Answerable, answered: SurfaceAnswered, sentAtMs: number): SmallReply;
  /** Headers that authenticate a request upstream. */
  authorization(identity: SealedIdentity): Readonly<Record<string, string>>;
  /** The path of a request that is sent once more, marked so that upstream looks for its first execution. */
  repeatTarget(target: string, atMs: number): string;
  /** The path that answers with the result of a query that runs or has run. */
  resultPath(queryId: string): string;
  read(status: number, reply: ScannedReply): ReplyRead;
  /** What a successful statement changed in its session. */
  sessionChanges(statement: Answerable, reply: ScannedReply): Partial<SessionContext>;
  /** How a statement stands upstream; undefined: not known there (yet). Fault `upstreamUnreachable`. */
  facts(
    upstream: Upstream,
    upstreamToken: string,
    queryId: string,
  ): Promise<QueryFacts | undefined>;
  /** Cancels a statement upstream, also before it has a name there. Fault `upstreamUnreachable`. */
  abort(
    upstream: Upstream,
    upstreamToken: string,
    target: { readonly queryId: string | null; readonly requestId: string },
    abortRequestId: string,
  ): Promise<void>;
}
