/**
 * Whose a bearer token is, told by Snowflake itself: one statement under the token says user and role, and where its
 * sessions begin. A login would not do: it takes a key-pair token for the first minute of its hour only, and says a
 * display name. Who pays follows from the answer alone.
 */
import type { Occupancy } from '#base/metrics.js';
import { createHmac } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { Fault } from '#base/errors.js';
import { STATEMENTS_PATH } from '#base/wire/sql-api.js';
import type { UpstreamReply } from '../upstream/engine.js';
import type { Upstream } from '../upstream/upstreams.js';
import { ownHeaders } from './upstream.js';

/** Longest time that a proof is believed: so late may a token be known as revoked here. */
const PROOF_LIFE_MS = 180_000;
const PROOFS_MAX = 10_000;
/** Tokens that are being proven at once; more are told to come again. */
const PENDING_MAX = 64;
const REPLY_BYTES_MAX = 256 * 1024;

/** What Snowflake says of a token, in the role that was asked for. */
export interface Proof {
  /** Upper case, as Snowflake names it. */
  readonly snowflakeUser: string;
  readonly role: string | null;
  readonly warehouse: string | null;
  readonly database: string | null;
  readonly schema: string | null;
}

export type ProofOutcome =
  | { readonly kind: 'proven'; readonly proof: Proof }
  /** Snowflake does not take the token, or the role; its own answer. */
  | { readonly kind: 'refused'; readonly reply: UpstreamReply }
  | { readonly kind: 'busy' };

/** What is to be proven. */
export interface ProofQuestion {
  readonly upstream: Upstream;
  /** Of a client's request: they carry the token. */
  readonly headers: Readonly<Record<string, string>>;
  /** In the case in which the client wrote it; null: the user's default. */
  readonly role: string | null;
  /** When the token ends by its own words, in milliseconds of real time. */
  readonly endsAtMs: number;
  /** What stands for the token where it is made anew for each request; the token itself unless given. */
  readonly subject?: string;
}

export interface ProofsOptions {
  readonly randomBytes: (size: number) => Buffer;
  /** Milliseconds of real time. */
  readonly now: () => number;
}

export class BearerProofs {
  /** Tokens are not kept, only what this makes of them. */
  readonly #key: Buffer;
  readonly #now: () => number;
  readonly #proven = new LRUCache<string, { readonly proof: Proof; readonly untilMs: number }>({
    max: PROOFS_MAX,
  });
  readonly #pending = new Map<string, Promise<ProofOutcome>>();

  constructor(options: ProofsOptions) {
    this.#key = options.randomBytes(32);
    this.#now = options.now;
  }

  /** Bearer tokens whose owner is remembered, for the metric. */
  get occupancy(): Occupancy {
    return { used: this.#proven.size, max: PROOFS_MAX };
  }

  /** Bearer tokens that are being proven, for the metric. */
  get proving(): Occupancy {
    return { used: this.#pending.size, max: PENDING_MAX };
  }

  /** Proves a token, or remembers that it was. Fault `upstreamUnreachable`. */
  async prove(question: ProofQuestion): Promise<ProofOutcome> {
    const key = this.#keyOf(question);
    const known = this.#proven.get(key);
    if (known !== undefined && this.#now() < known.untilMs)
      return { kind: 'proven', proof: known.proof };
    const pending = this.#pending.get(key);
    if (pending !== undefined) return pending;
    if (this.#pending.size >= PENDING_MAX) return { kind: 'busy' };
    const asked = this.#ask(key, question).finally(() => this.#pending.delete(key));
    this.#pending.set(key, asked);
    return asked;
  }

  async #ask(key: string, question: ProofQuestion): Promise<ProofOutcome> {
    const { upstream, headers, role } = question;
    const askedAtMs = this.#now();
    const reply = await upstream.engine.exchange(
      {
        method: 'POST',
        path: STATEMENTS_PATH,
        headers: ownHeaders(upstream, headers),
        body: Buffer.from(
          JSON.stringify({
            statement: STATEMENT,
            timeout: 30,
            parameters: { query_tag: '{"src":"tollgate-proof"}' },
            ...(role === null ? {} : { role }),
          }),
        ),
      },
      REPLY_BYTES_MAX,
    );
    if (reply.status !== 200 && reply.status !== 202 && reply.status < 500)
      return { kind: 'refused', reply };
    const proof = reply.status === 200 ? readProof(reply.body) : undefined;
    if (proof === undefined)
      throw new Fault('upstreamProtocol', 'Snowflake did not say whose token it is');
    const untilMs = Math.min(askedAtMs + PROOF_LIFE_MS, question.endsAtMs);
    if (untilMs > askedAtMs) this.#proven.set(key, { proof, untilMs });
    return { kind: 'proven', proof };
  }

  #keyOf({ upstream, headers, role, subject }: ProofQuestion): string {
    const parts = [upstream.account, subject ?? Object.entries(headers), role];
    return createHmac('sha256', this.#key).update(JSON.stringify(parts)).digest('base64');
  }
}

const COLUMNS = ['USER', 'ROLE', 'WAREHOUSE', 'DATABASE', 'SCHEMA'] as const;
/** Needs no warehouse and costs nothing. */
const STATEMENT = `SELECT ${COLUMNS.map((name) => `CURRENT_${name}()`).join(', ')}`;

function readProof(body: Buffer): Proof | undefined {
  let row: unknown;
  try {
    const parsed: unknown = JSON.parse(body.toString('utf8'));
    if (typeof parsed !== 'object' || parsed === null || !('data' in parsed)) return undefined;
    row = Array.isArray(parsed.data) ? parsed.data[0] : undefined;
  } catch {
    return undefined;
  }
  if (!Array.isArray(row) || row.length !== COLUMNS.length) return undefined;
  const [user, role, warehouse, database, schema] = row.map((cell: unknown) =>
    typeof cell === 'string' && cell !== '' ? cell : null,
  );
  if (user === null || user === undefined) return undefined;
  return {
    snowflakeUser: user.toUpperCase(),
    role: role ?? null,
    warehouse: warehouse ?? null,
    database: database ?? null,
    schema: schema ?? null,
  };
}
