/**
 * What the running Tollgate decides by now, for verbs that decide elsewhere: the document in force, prices of rate sheets,
 * freezes and how budgets stand, asked of the admin API.
 */
import { z } from 'zod';
import { must } from '../base/assert.js';
import type { EpochMs } from '../base/time.js';
import { parseCredits, parseMoney } from '../base/units.js';
import { type Freeze, FREEZE_SCOPES } from '../billing/freezes.js';
import type { BudgetStanding } from '../billing/ledger.js';
import type { ControlDocument } from '../policies/control/document.js';
import { tryParseInstant } from '../policies/control/instant.js';
import { parseControlDocument } from '../policies/control/parse.js';
import type { ImportedPrice } from '../policies/prices/price-lookup.js';
import { narrowestFirst } from '../proxy/freezes.js';
import type { AdminClient } from './admin-client.js';
import { storedReply, VERSIONS, versionView } from './plan-reply.js';
import { VerbError } from './verb-error.js';

/** Stands for the running Tollgate, in place of a file. */
export const LIVE = 'live';

export interface LiveControl {
  readonly document: ControlDocument;
  readonly version: number;
  readonly imported: readonly ImportedPrice[];
  /** The narrowest first. */
  readonly freezes: readonly Freeze[];
  /** How those stand that are in force. */
  readonly standings: readonly BudgetStanding[];
  /** What it is there, by the business clock. */
  readonly at: EpochMs;
}

const instant = z.string().transform((text): EpochMs => must(tryParseInstant(text), 'an instant'));
const amount = z.string().transform(parseCredits);
const priceRow = z.object({
  account: z.string(),
  ratingType: z.string(),
  serviceType: z.string(),
  from: instant,
  to: instant.nullable(),
  currency: z.string(),
  pricePerCredit: z.string().transform(parseMoney),
});
const freezeRow = z.object({
  id: z.string(),
  scope: z.enum(FREEZE_SCOPES),
  target: z.string().nullable(),
  frozenBy: z.string(),
  reason: z.string(),
  frozenAt: instant,
  until: instant.nullable(),
});
const budgetRow = z.object({
  id: z.string(),
  isHard: z.boolean(),
  standing: z
    .object({
      periodStartsAt: instant,
      periodEndsAt: instant,
      limitCredits: amount.nullable(),
      spentCredits: amount,
      heldCredits: amount,
      availableCredits: amount.nullable(),
    })
    .nullable(),
});

/**
 * Reads it all; the token's role must be platform.
 * @throws VerbError when the API does not answer, refuses, or no document is in force that this program can read.
 */
export async function readLiveControl(api: AdminClient): Promise<LiveControl> {
  const { version, document } = await documentInForce(api);
  const { at } = z.object({ at: instant }).parse(JSON.parse(await api.call('/api/v1/prices')));
  const prices = await api.list('/api/v1/prices/sheets', 'prices', priceRow);
  const freezes = await api.list('/api/v1/freezes', 'freezes', freezeRow);
  const budgets = await api.list('/api/v1/budgets', 'budgets', budgetRow);
  return {
    at,
    document,
    version,
    imported: prices.rows,
    freezes: narrowestFirst(freezes.rows.map((each) => ({ ...each, target: each.target ?? '' }))),
    standings: budgets.rows.flatMap(({ id, isHard, standing }) =>
      standing === null ? [] : [{ budgetId: id, isHard, ...standing }],
    ),
  };
}

async function documentInForce(
  api: AdminClient,
): Promise<{ readonly version: number; readonly document: ControlDocument }> {
  const newest = (await api.list(VERSIONS, 'versions', versionView, 1)).rows[0];
  if (newest === undefined) throw new VerbError('No control document is in force yet.');
  const stored = await api.call(`${VERSIONS}/${newest.version}`);
  const parsed = parseControlDocument(storedReply.parse(JSON.parse(stored)).document);
  if (parsed.ok) return { version: newest.version, document: parsed.document };
  throw new VerbError(`Version ${newest.version} is not valid to this program; use its own.`);
}
