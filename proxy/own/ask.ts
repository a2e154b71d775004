/**
 * A statement of ours in a client's session: announced before it is sent, its query id kept when it is known, its reply
 * read here and shown to nobody.
 */
import { z } from 'zod';
import { toError } from '#base/errors.js';
import type { Ids } from '#base/ids.js';
import { inTime } from '#base/in-time.js';
import type { Log } from '#base/log.js';
import { WIRE_CODES } from '#base/wire/codes.js';
import { relay } from '../relay.js';
import type { RelayOutcome, SmallReply } from '../relay.js';
import type { Identified } from '../stages.js';
import { headersForUpstream } from '../upstream/headers.js';
import { abortUpstream } from '../upstream/query-facts.js';
import type { UpstreamRequest } from '../upstream/engine.js';
import { decodeBody } from '../wire/body.js';
import type { OwnStatements } from './own-statements.js';

/** Cells of the first row of the answer; null: there is none in time, or it was no answer. */
export type OwnAnswer = readonly (string | null)[] | null;

/** A plan of some hundred operators takes a tenth of it. */
const REPLY_BYTES_MAX = 1024 * 1024;
/** Snowflake gives a statement up itself when nobody here can tell it to any more. */
const TIMEOUT_SECONDS = 10;

/** What asking takes of a replica. */
export interface AskParts {
  readonly ids: Ids;
  readonly log: Log;
  readonly ownStatements: Pick<OwnStatements, 'end'>;
}

/** Who asks, and where. */
export type OwnAsker = Pick<Identified, 'call' | 'identity' | 'upstream' | 'front' | 'team'>;

/**
 * Sends `sqlText` under `requestId`, which has been announced, and waits at most `limitMs` for its first row. What comes
 * later is still read for its query id. Never throws.
 *
 * @param isRepeat the request may have been sent before: marked so that upstream looks for its first execution.
 */
export async function askInSession(
  parts: AskParts,
  asker: OwnAsker,
  question: {
    readonly sqlText: string;
    readonly requestId: string;
    readonly limitMs: number;
    readonly isRepeat?: boolean;
  },
): Promise<OwnAnswer> {
  const { engine } = asker.upstream;
  const { requestId, limitMs } = question;
  const answered = relay(engine, requestOf(asker, question), { open: () => null }).then((outcome) =>
    settled(parts, asker, requestId, outcome),
  );
  const first = await inTime(limitMs, answered);
  if (first !== undefined) return first;
  abandon(parts, asker, requestId);
  return null;
}

function requestOf(
  { call, identity, upstream, front, team }: OwnAsker,
  question: { readonly sqlText: string; readonly requestId: string; readonly isRepeat?: boolean },
): UpstreamRequest {
  const target = `/queries/v1/query-request?requestId=${question.requestId}`;
  const headers = headersForUpstream(call.request.headers, upstream.host);
  delete headers['content-encoding'];
  const tag = JSON.stringify({ src: 'tollgate', team: team.id });
  return {
    method: 'POST',
    path: question.isRepeat === true ? front.repeatTarget(target, Date.now()) : target,
    headers: {
      ...headers,
      'content-type': 'application/json',
      ...front.authorization(identity),
    },
    body: Buffer.from(
      JSON.stringify({
        sqlText: question.sqlText,
        asyncExec: false,
        sequenceId: 1,
        parameters: {
          QUERY_TAG: tag,
          STATEMENT_TIMEOUT_IN_SECONDS: TIMEOUT_SECONDS,
          // Whatever the session allows: nothing behind a semicolon that we have not seen may run.
          MULTI_STATEMENT_COUNT: 1,
          ...JSON_FORMAT,
        },
      }),
    ),
  };
}

/** Rows as text, whichever driver the session belongs to. */
const JSON_FORMAT: Readonly<Record<string, string>> = Object.fromEntries(
  ['PYTHON_CONNECTOR', 'JDBC', 'GO', 'DOTNET', 'ODBC', 'C_API'].map((driver) => [
    `${driver}_QUERY_RESULT_FORMAT`,
    'JSON',
  ]),
);

/** Keeps the query id that the reply names, also of one that failed or came late. */
async function settled(
  parts: AskParts,
  { identity }: OwnAsker,
  requestId: string,
  outcome: RelayOutcome,
): Promise<OwnAnswer> {
  if (outcome.kind === 'unreachable' && outcome.mayHaveRun) return null;
  const { reply, small = null } = outcome.kind === 'replied' ? outcome : {};
  if (reply?.isComplete === false) return null;
  const queryId = reply?.data['queryId'];
  try {
    await parts.ownStatements.end(
      identity,
      requestId,
      typeof queryId === 'string' ? queryId : null,
    );
  } catch (thrown) {
    parts.log.warn(
      { err: toError(thrown) },
      'the query id of a statement of ours could not be kept',
    );
  }
  const isRows = reply?.top['success'] === true && reply.top['code'] !== WIRE_CODES.queryInProgress;
  return isRows && small !== null ? firstRow(small) : null;
}

const rows = z.object({
  data: z.object({ rowset: z.tuple([z.array(z.string().nullable())], z.unknown()) }),
});

function firstRow({ body, headers }: SmallReply): OwnAnswer {
  const coding = headers['content-encoding'];
  const decoded = decodeBody(
    body,
    typeof coding === 'string' ? coding : undefined,
    REPLY_BYTES_MAX,
  );
  if (decoded.kind !== 'decoded') return null;
  try {
    const read = rows.safeParse(JSON.parse(decoded.bytes.toString('utf8')));
    return read.success ? read.data.data.rowset[0] : null;
  } catch {
    return null;
  }
}

/** It is not waited for any more; that it ends is a courtesy to the warehouse and the session. */
function abandon(parts: AskParts, { identity, upstream }: OwnAsker, requestId: string): void {
  abortUpstream(
    upstream,
    identity.upstreamToken,
    { queryId: null, requestId },
    parts.ids.ticket(Date.now()),
  ).catch((thrown: unknown) => {
    parts.log.warn({ err: toError(thrown) }, 'a statement of ours could not be cancelled');
  });
}
