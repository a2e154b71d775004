/**
 * Who pays where a shared principal asks for somebody else: the end team of a signed claim in the query tag, else its
 * own team. A claim that is not believed changes nothing but is counted, logged and kept as a notice.
 */
import type { Occupancy } from '#base/metrics.js';
import type { Log } from '#base/log.js';
import { createSealer } from '#base/sealing.js';
import type { SealKey } from '#base/sealing.js';
import type { Database } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import type { TicketId } from '#base/ids.js';
import { LRUCache } from 'lru-cache';
import {
  type Claim,
  type ClaimKey,
  type ClaimProblem,
  CLAIM_SECRET_PREFIX,
  isSigned,
  parseClaim,
  verifyClaim,
} from '#policies/claim.js';
import { claimInTag } from '#policies/claim-tag.js';
import type { PrincipalDocument } from '#policies/control/document.js';
import type { ControlSnapshot } from '#policies/control/snapshot.js';
import type { Events } from '../events.js';
import type { Payer } from '../stages.js';
import { ClaimKeys } from './claim-keys.js';
import { ClaimNotices } from './claim-notices.js';

export type ClaimOutcome =
  /** No claim, or none that is believed. */
  | { readonly kind: 'own' }
  | { readonly kind: 'on-behalf'; readonly payer: Payer }
  /** A true claim for a principal that may not ask: refused as it would be itself. */
  | { readonly kind: 'suspended'; readonly principal: PrincipalDocument };

export interface ClaimedStatement {
  readonly ticketId: TicketId;
  /** The tag in force for the statement: its own, else its session's. */
  readonly tag: string | null;
  readonly signedIn: Payer;
  readonly snapshot: ControlSnapshot;
}

export interface Claims {
  /** Signatures that are known to be true, and principals whose secrets are known; for the metrics. */
  readonly signatures: Occupancy;
  readonly secrets: Occupancy;
  /** Reads the claim of a statement. Fault `ledgerUnavailable` when the keys to verify it cannot be had. */
  read(statement: ClaimedStatement): Promise<ClaimOutcome>;
  /** Writes what is still to be told. */
  stop(): Promise<void>;
}

export interface ClaimsOptions {
  readonly db: Database;
  readonly log: Log;
  readonly events: Events;
  readonly sealKeys: readonly SealKey[];
  readonly randomBytes: (size: number) => Buffer;
  /** Real time. */
  readonly now: () => EpochMs;
  readonly monotonicMs: () => number;
}

/** Signatures that were verified: a session sends one claim with every statement, and curves cost 0.1 ms and more. */
const SIGNATURES_MAX = 2000;

const OWN: ClaimOutcome = { kind: 'own' };

export function createClaims(options: ClaimsOptions): Claims {
  const { db, log, events, now, monotonicMs } = options;
  const sealer = createSealer(CLAIM_SECRET_PREFIX, options.sealKeys, options.randomBytes);
  const keys = new ClaimKeys({ db, sealer, now, monotonicMs });
  const notices = new ClaimNotices(db, log, now);
  const verified = new LRUCache<string, ClaimKey>({ max: SIGNATURES_MAX });
  const isSignedBy = rememberingIsSigned(verified);
  return {
    get signatures() {
      return { used: verified.size, max: SIGNATURES_MAX };
    },
    get secrets() {
      return keys.occupancy;
    },
    async read(statement) {
      if (claimInTag(statement.tag).kind === 'absent') return OWN;
      const read = await believe(statement, keys, now, isSignedBy);
      if (typeof read !== 'string') {
        events.claim('valid');
        return read;
      }
      events.claim(read);
      const principalId = statement.signedIn.principal.id;
      notices.add({ principalId, problem: read, ticketId: statement.ticketId });
      return OWN;
    },
    stop: () => notices.stop(),
  };
}

/** Only true signatures are kept, each with the very key that verified it. */
function rememberingIsSigned(verified: LRUCache<string, ClaimKey>): typeof isSigned {
  return (parsed, key) => {
    if (verified.get(parsed.token) === key) return true;
    const isTrue = isSigned(parsed, key);
    if (isTrue) verified.set(parsed.token, key);
    return isTrue;
  };
}

async function believe(
  { tag, signedIn, snapshot }: ClaimedStatement,
  keys: ClaimKeys,
  now: () => EpochMs,
  isSignedBy: typeof isSigned,
): Promise<ClaimOutcome | ClaimProblem> {
  const { principal } = signedIn;
  // First of all, so that nobody but a shared principal makes us look for keys.
  if (!principal.shared) return 'not-shared';
  const named = claimInTag(tag);
  if (named.kind !== 'named') return 'malformed';
  const parsed = parseClaim(named.token);
  if (typeof parsed === 'string') return parsed;
  const key = await keys.find(principal, parsed.keyId);
  const reading = verifyClaim(parsed, key, principal.id, now(), isSignedBy);
  return reading.kind === 'invalid' ? reading.problem : payerOf(reading.claim, principal, snapshot);
}

/** The team and principal that a verified claim names, as the control document has them. */
function payerOf(
  claim: Claim,
  shared: PrincipalDocument,
  snapshot: ControlSnapshot,
): ClaimOutcome | ClaimProblem {
  const team = snapshot.team(claim.team);
  if (team === undefined) return 'team';
  if (claim.subject === null) return { kind: 'on-behalf', payer: { team, principal: shared } };
  const principal = snapshot.principal(claim.subject);
  if (principal === undefined || principal.team !== team.id) return 'subject';
  if (principal.status === 'suspended') return { kind: 'suspended', principal };
  return { kind: 'on-behalf', payer: { team, principal } };
}
