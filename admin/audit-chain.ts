/**
 * The audit log as a file: one event a line, in the one spelling that its hash was made of, so that a change of any
 * character inside a line is found. Whoever keeps the hash of a head elsewhere also finds a log that was shortened.
 */
import { z } from 'zod';
import { canonicalJson } from '#base/canonical-json.js';
import { AUDIT_GENESIS, type AuditEvent, hashOfEvent } from './stores/audit-store.js';

/** Longest line that is read; an event holds the parts of a control document that changed. */
const LINE_CHARACTERS_MAX = 64 * 1024 * 1024;

/** An event as the log tells it, by the API and in an export. */
export const auditEventSchema: z.ZodType<AuditEvent> = z.strictObject({
  sequence: z.int().min(1),
  occurredAt: z.iso.datetime(),
  actor: z.string(),
  role: z.string(),
  action: z.string(),
  subject: z.string(),
  reason: z.string().nullable(),
  before: z.unknown(),
  after: z.unknown(),
  previousHash: z.string(),
  hash: z.string(),
});

export type ChainOutcome =
  | { readonly kind: 'intact'; readonly events: number; readonly head: string }
  /** `sequence`: the first event that does not fit. */
  | { readonly kind: 'broken'; readonly sequence: number; readonly why: string }
  /** Every event fits, but the known head is not among them: the end was cut off, or all of it was written anew. */
  | { readonly kind: 'shortened'; readonly events: number; readonly head: string };

/** The line of an event in an export, without its end. */
export function lineOfEvent(event: AuditEvent): string {
  return canonicalJson(event);
}

/**
 * Recomputes a chain from its lines.
 * @param knownHead hash of an event that must be in it, kept from an earlier `audit/head`; absent: a missing end is not
 *   noticed.
 */
export async function verifyChain(
  lines: AsyncIterable<string> | Iterable<string>,
  knownHead?: string,
): Promise<ChainOutcome> {
  let events = 0;
  let head = AUDIT_GENESIS;
  let isHeadSeen = knownHead === undefined || knownHead === AUDIT_GENESIS;
  for await (const line of lines) {
    const sequence = events + 1;
    const problem = problemOfLine(line, sequence, head);
    if (typeof problem === 'string') return { kind: 'broken', sequence, why: problem };
    events = sequence;
    head = problem.hash;
    isHeadSeen ||= head === knownHead;
  }
  return { kind: isHeadSeen ? 'intact' : 'shortened', events, head };
}

/** The event of the line, or why it does not follow `previousHash` as number `sequence`. */
function problemOfLine(line: string, sequence: number, previousHash: string): AuditEvent | string {
  if (line.length > LINE_CHARACTERS_MAX) return 'its line is too long';
  let raw: unknown;
  try {
    raw = JSON.parse(line);
  } catch {
    return 'its line is not JSON';
  }
  const parsed = auditEventSchema.safeParse(raw);
  if (!parsed.success) return 'its line has not the fields of an event';
  const { hash, ...event } = parsed.data;
  if (event.sequence !== sequence)
    return `event ${event.sequence} stands here: one was removed, inserted or moved`;
  if (event.previousHash !== previousHash) return 'it does not follow the event before it';
  const sealed = { ...event, before: event.before ?? null, after: event.after ?? null };
  if (hashOfEvent(sealed) !== hash) return 'its content does not have its hash: it was changed';
  if (canonicalJson({ ...sealed, hash }) !== line)
    return 'its line is not spelled as it was exported';
  return { ...sealed, hash };
}
