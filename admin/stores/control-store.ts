/**
 * The control tables: whole documents by version, and their relational projection. A version is written in one
 * transaction with everything that follows from it, so that replicas never see half of a change.
 */
import { assert, must } from '#base/assert.js';
import { hashOfJson } from '#base/canonical-json.js';
import { Fault } from '#base/errors.js';
import { CONTROL_CHANNEL } from '#base/postgres/channels.js';
import type { Database, Queryable, Transaction } from '#base/postgres/pool.js';
import type { EpochMs } from '#base/time.js';
import { readPricesInForce } from '#billing/prices/read-prices.js';
import type { ControlDocument } from '#policies/control/document.js';
import type { ImportedPrice } from '#policies/prices/price-lookup.js';
import { parseControlDocument } from '#policies/control/parse.js';
import type { ControlProblem } from '#policies/control/problem.js';
import { planControl } from '#policies/control/plan.js';
import { nameText } from '#policies/rules/amount-text.js';
import { appendAudit } from './audit-store.js';
import type { ControlChange } from './control-change.js';
import { projectControl } from './control-projection.js';

/** Most changes in words that an outcome or an audit event carries; the documents say the rest. */
const CHANGES_KEPT_MAX = 200;
const CHANGE_LENGTH_MAX = 500;

export interface ControlVersion {
  readonly version: number;
  readonly document: ControlDocument;
}

export type ApplyOutcome =
  | {
      readonly kind: 'applied';
      readonly version: number;
      /** What changed, in words; at most {@link CHANGES_KEPT_MAX}. */
      readonly changes: readonly string[];
      readonly changesTotal: number;
    }
  /** The newest version says the same already; nothing was written. */
  | { readonly kind: 'unchanged'; readonly version: number }
  /** Somebody else changed it since `expectedVersion`; nothing was written. */
  | { readonly kind: 'conflict'; readonly version: number }
  /** The document is not valid; nothing was written. */
  | { readonly kind: 'invalid'; readonly problems: readonly ControlProblem[] };

/**
 * The newest version, or undefined before the first.
 * @throws Fault `controlStale` when the stored document is not valid to this program.
 */
export async function readControl(db: Queryable): Promise<ControlVersion | undefined> {
  const { rows } = await db.query<{ version: string; document: unknown }>(
    'SELECT version, document FROM control_version ORDER BY version DESC LIMIT 1',
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  const parsed = parseControlDocument(row.document);
  if (!parsed.ok)
    throw new Fault(
      'controlStale',
      `Version ${row.version} of the control document is not valid here.`,
      { detail: { problems: parsed.problems } },
    );
  return { version: Number(row.version), document: parsed.document };
}

/**
 * Writes a new version, its projection and the limits that changed, and tells the replicas. Changes are serialised
 * by an advisory lock, so versions rise in commit order.
 */
export function applyControl(db: Database, change: ControlChange): Promise<ApplyOutcome> {
  const parsed = parseControlDocument(change.document);
  if (!parsed.ok) return Promise.resolve({ kind: 'invalid', problems: parsed.problems });
  return db.transaction(async (tx) => {
    await lockControl(tx);
    return applyLocked(tx, { ...change, document: parsed.document });
  });
}

/** A change that is made from whatever version is newest when its turn comes. */
export interface ControlEdit extends Pick<ControlChange, 'actor' | 'reason' | 'at'> {
  /** Pure; may throw to leave everything as it is. */
  readonly edit: (document: ControlDocument) => ControlDocument;
}

/**
 * Like {@link applyControl}, but reads, edits and writes under the lock: edits at the same time wait for each other
 * and none is lost.
 * @throws Fault `controlStale` before the first version; whatever `edit` throws.
 */
export function editControl(
  db: Database,
  change: ControlEdit,
): Promise<Exclude<ApplyOutcome, { kind: 'conflict' }>> {
  return db.transaction(async (tx) => {
    await lockControl(tx);
    const current = await readControl(tx);
    if (current === undefined)
      throw new Fault('controlStale', 'No control document is in force yet.');
    const parsed = parseControlDocument(change.edit(current.document));
    if (!parsed.ok) return { kind: 'invalid', problems: parsed.problems };
    const { actor, reason, at } = change;
    const edited = { document: parsed.document, actor, reason, at } as const;
    const outcome = await applyLocked(tx, { ...edited, action: 'control.edit' });
    assert(outcome.kind !== 'conflict', 'an edit expects no version');
    return outcome;
  });
}

/**
 * Writes `document` as the first version when there is none. Safe to run from several replicas at once.
 * @returns the version in force afterwards.
 */
export async function ensureControl(
  db: Database,
  document: ControlDocument,
  at: EpochMs,
): Promise<number> {
  const outcome = await applyControl(db, {
    document,
    actor: { id: 'tollgate', role: 'platform' },
    reason: 'first start',
    at,
    expectedVersion: 0,
    action: 'control.start',
  });
  switch (outcome.kind) {
    case 'applied':
    case 'unchanged':
    case 'conflict':
      return outcome.version;
    case 'invalid':
      throw new Fault('controlStale', 'The first control document is not valid.', {
        detail: { problems: outcome.problems },
      });
  }
}

async function lockControl(tx: Transaction): Promise<void> {
  await tx.query("SELECT pg_advisory_xact_lock(hashtextextended('tollgate.control', 0))");
}

async function applyLocked(
  tx: Transaction,
  change: ControlChange,
): Promise<Exclude<ApplyOutcome, { kind: 'invalid' }>> {
  const { rows } = await tx.query<{ version: string; document_hash: string; document: unknown }>(
    'SELECT version, document_hash, document FROM control_version ORDER BY version DESC LIMIT 1',
  );
  const newest = rows[0];
  const version = Number(newest?.version ?? 0);
  const hash = hashOfJson(change.document);
  // A repeated request finds what it did before, whatever version it was made from.
  if (newest?.document_hash === hash) return { kind: 'unchanged', version };
  if (change.expectedVersion !== undefined && change.expectedVersion !== version)
    return { kind: 'conflict', version };
  const { actor, reason, at } = change;
  const inserted = await tx.query<{ version: string }>(
    `INSERT INTO control_version (author, reason, created_at, document, document_hash)
     VALUES ($1, $2, $3, $4, $5) RETURNING version`,
    [actor.id, reason, new Date(at), JSON.stringify(change.document), hash],
  );
  const next = Number(must(inserted.rows[0], 'an insert returns its row').version);
  await projectControl(tx, change, next);
  const words = changesInWords(newest?.document, change, await readPricesInForce(tx));
  const changes = words.slice(0, CHANGES_KEPT_MAX).map((text) => nameText(text, CHANGE_LENGTH_MAX));
  await appendAudit(tx, {
    actor,
    action: change.action ?? 'control.apply',
    subject: 'control',
    reason,
    before: newest === undefined ? null : { version },
    after: { version: next, changes, changesTotal: words.length },
    at,
  });
  await tx.query('SELECT pg_notify($1, $2)', [CONTROL_CHANNEL, String(next)]);
  return { kind: 'applied', version: next, changes, changesTotal: words.length };
}

/** The first document changes nothing; one that this program cannot read cannot be compared. */
function changesInWords(
  raw: unknown,
  { document, at }: ControlChange,
  imported: readonly ImportedPrice[],
): readonly string[] {
  if (raw === undefined) return [];
  const before = parseControlDocument(raw);
  if (!before.ok) return ['the version before is not valid to this program, and was not compared'];
  return planControl(before.document, document, at, imported).changes.map(({ text }) => text);
}
