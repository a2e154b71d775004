/**
 * What a file that is handed out is proved by, beside the manifest: its digest (RFC 9530), and control totals where its
 * format has no place for them.
 */
import { createHash, type Hash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { controlTotals } from '#billing/bills/bill-sums.js';
import type { TeamBill } from '#billing/bills/billed-month.js';
import { formatMoney } from '#base/currency.js';
import { formatAmount } from '#base/units.js';

const DIGEST = 'repr-digest';
const TOTALS = 'tollgate-control-totals';

/** Sends bytes that are known, with their SHA-256 as `Repr-Digest`. */
export function sendDigested(reply: FastifyReply, bytes: string | Buffer): FastifyReply {
  return reply.header(DIGEST, digestOf(createHash('sha256').update(bytes))).send(bytes);
}

/** Sends bytes as they are made; their SHA-256 follows them as a trailer. */
export function sendDigestedAfter(
  reply: FastifyReply,
  chunks: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>,
): FastifyReply {
  const hash = createHash('sha256');
  reply.trailer(DIGEST, (_reply, _payload, done) => done(null, digestOf(hash)));
  return reply.send(Readable.from(hashed(chunks, hash)));
}

async function* hashed(
  chunks: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>,
  hash: Hash,
): AsyncGenerator<string | Uint8Array> {
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
}

function digestOf(hash: Hash): string {
  return `sha-256=:${hash.digest('base64')}:`;
}

/**
 * Says what the file must come to, as the manifest says it:
 * `lines=2, statements=9, credits="1.5", amount="4.50", currency="USD"` (a dictionary of RFC 9651).
 */
export function withControlTotals(
  reply: FastifyReply,
  bills: readonly TeamBill[],
  currency: string,
): FastifyReply {
  const { lines, statements, credits, amount } = controlTotals(bills);
  const texts = { credits: formatAmount(credits), amount: formatMoney(amount, currency), currency };
  const quoted = Object.entries(texts).map(([name, value]) => `${name}="${value}"`);
  return reply.header(TOTALS, [`lines=${lines}`, `statements=${statements}`, ...quoted].join(', '));
}
