/**
 * Step 8: tag, backstop timeout and the hand-over of the hold, then the bytes go upstream. Only an admitted
 * statement fits: whatever was not identified, priced, allowed, reserved and admitted does not compile here.
 */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { backstopTimeoutSeconds } from '#policies/rules/ceiling.js';
import { withoutClaim } from '#policies/claim-tag.js';
import { encodeQueryTag } from '#policies/query-tag.js';
import { classifyStatement } from '#base/sql/statement-class.js';
import { lex } from '#base/sql/lexer.js';
import { splitStatements } from '#base/sql/splitter.js';
import type { Attendance } from './attendance.js';
import { ownerOf } from './owner.js';
import type { Parts } from './parts.js';
import type { RunningStatement } from './running/running.js';
import type { Admitted, BodyChanges } from './stages.js';
import { alterSessionWithoutClaim } from './identity/claim-texts.js';
import { headersForUpstream } from './upstream/headers.js';
import { usedBeforeMs } from './running/used-before.js';
import { stormKeyOf } from './storms.js';
import type { StatementTraces } from './traces.js';
import type { UpstreamRequest } from './upstream/engine.js';

/** Seconds a statement may spend on resume and queueing, which cost nothing, before the backstop counts against it. */
const QUEUEING_ALLOWANCE_SECONDS = 600;
/** An edited body above this is compressed again when the client's was. */
const RECOMPRESS_BYTES = 64 * 1024;
const COMPRESSED_CHUNK_BYTES = 256 * 1024;

/** Beside the event loop. */
const compress = promisify(gzip) as (
  bytes: Buffer,
  options: { readonly level: number; readonly chunkSize: number },
) => Promise<Buffer>;

/**
 * Takes the hold over and begins to meter. False: the ticket is not reserved any more, nothing may be sent.
 * Fault `ledgerUnavailable` when that could not be written: nothing is sent either.
 */
export async function handOver(
  parts: Parts,
  statement: Admitted,
  attendance: Attendance,
): Promise<boolean> {
  const sentAt = parts.clock.now();
  if (!(await statement.hold.handOver(sentAt, statement.ceilingCredits))) return false;
  if (statement.isFree) return true;
  parts.traces?.held(statement.call.ticketId);
  const { call, identity, placement, upstream } = statement;
  const sentBefore = statement.hold.sentBefore?.();
  const running: RunningStatement = {
    ticketId: call.ticketId,
    front: statement.front,
    upstream,
    sessionId: identity.sessionId,
    upstreamToken: identity.upstreamToken,
    requestId: statement.requestId,
    attendance,
    isAsync: statement.query.isAsync,
    clientGone: placement.tier.clientGone,
    owner: ownerOf(statement),
    teamId: statement.team.id,
    principalId: statement.principal.id,
    fingerprint: statement.facts.fingerprint,
    stormKey: stormKeyOf(statement),
    tier: placement.tier.id,
    warehouse: placement.warehouse ?? '',
    warehouseSize: placement.warehouseSize ?? '',
    shownWarehouse: statement.isSwitched === true ? statement.session.warehouse : null,
    estimate: statement.estimate,
    creditsPerHour: placement.creditsPerHour,
    pricePerCredit: placement.pricePerCredit,
    currency: placement.currency,
    ceilingCredits: statement.ceilingCredits,
    startedAt: sentBefore?.firstSentAt ?? sentAt,
    usedBeforeMs:
      sentBefore === undefined ? 0 : usedBeforeMs(sentBefore, placement.creditsPerHour, sentAt),
    isHeldByBudgets: statement.breakGlass === undefined,
    holdCredits: statement.hold.credits,
    queryId: null,
    stop: null,
    cancelledAtMs: null,
    onEnd: () => statement.permit.release(),
  };
  parts.running.begin(running, sentAt);
  return true;
}

/**
 * The request for upstream: the client's bytes with tag and timeout set, under upstream's own token, and as a part of
 * the statement's trace where it has one.
 */
export async function upstreamRequest(
  statement: Admitted,
  traces: StatementTraces | null = null,
): Promise<UpstreamRequest> {
  const { call, front, identity, upstream } = statement;
  const edited = await statement.edited(changesOf(statement));
  const headers = headersForUpstream(call.request.headers, upstream.host);
  delete headers['content-encoding'];
  const traceparent = traces?.carried(call.ticketId);
  if (traceparent !== undefined) headers['traceparent'] = traceparent;
  // Its reply is edited on its way.
  if (statement.isSwitched === true) headers['accept-encoding'] = 'identity';
  const isLarge = statement.wasCompressed && edited.length > RECOMPRESS_BYTES;
  if (isLarge) headers['content-encoding'] = 'gzip';
  return {
    method: 'POST',
    path: call.target,
    headers: Object.assign(headers, front.authorization(identity)),
    body: isLarge
      ? await compress(edited, { level: 1, chunkSize: COMPRESSED_CHUNK_BYTES })
      : edited,
  };
}

function changesOf(statement: Admitted): BodyChanges {
  const { query, session, placement, sentText } = statement;
  return {
    tag: isTaggable(query.sqlText) ? tagOf(statement) : tagWithoutClaim(query.clientTag),
    timeoutSeconds: statement.isFree
      ? null
      : backstopTimeoutSeconds({
          ceilingCredits: statement.backstopCredits,
          clusterCreditsPerHour: placement.creditsPerHour,
          allowanceSeconds: QUEUEING_ALLOWANCE_SECONDS,
          tierMaxSeconds: placement.tier.statementTimeoutSeconds,
          clientSeconds: query.clientTimeoutSeconds ?? session.statementTimeoutSeconds,
          parts: Math.max(1, statement.facts.statements.length),
        }),
    sqlText: sentText ?? alterSessionWithoutClaim(query.sqlText) ?? null,
  };
}

/** A claim in the tag that a client sends with a statement of these ends here too; any other tag is its own. */
function tagWithoutClaim(clientTag: string | null): string | null {
  const rest = withoutClaim(clientTag);
  return rest === clientTag ? null : (rest ?? '');
}

function tagOf({ call, team, placement, front, query, session }: Admitted): string {
  return encodeQueryTag(
    { ticketId: call.ticketId, team: team.id, tier: placement.tier.id, src: front.source },
    query.clientTag ?? session.queryTag,
  );
}

/** dbt reads the tag with SHOW PARAMETERS and writes it back with ALTER SESSION: ours must not be seen there. */
function isTaggable(sqlText: string): boolean {
  if (!/\b(?:show|alter)\b/i.test(sqlText)) return true;
  const tokens = lex(sqlText);
  return !splitStatements(tokens).some((range) => {
    const head = classifyStatement(tokens, range);
    return head.isShowParameters || head.isAlterSession;
  });
}
