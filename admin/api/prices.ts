/** What credits cost and from where that is known; prices that are held, and what a second person says of them. */
import { z } from 'zod';
import { decidePrice } from '#billing/prices/decide-price.js';
import type { PriceDecided } from '#billing/prices/decide-price.js';
import { readHeldPrices, readPricesInForce } from '#billing/prices/read-prices.js';
import type { HeldPrice } from '#billing/prices/read-prices.js';
import { formatInstant } from '#base/time.js';
import { formatAmount } from '#base/units.js';
import type { ControlDocument } from '#policies/control/document.js';
import { tryParseInstant } from '#policies/control/instant.js';
import { calendarDay } from '#policies/control/schema-values.js';
import { otherPrice } from '#policies/prices/other-price.js';
import { type PriceAt, priceLookup } from '#policies/prices/price-lookup.js';
import { ProblemError, badField, notFound } from '../problems.js';
import { appendAudit } from '../stores/audit-store.js';
import { type ApiApp, type ApiContext, controlOf, instantSchema, reasonSchema } from './api.js';

const KEYS_MAX = 1_000;

const priceSchema = z.object({
  account: z.string(),
  creditKind: z.string(),
  serviceType: z.string(),
  pricePerCredit: z
    .string()
    .nullable()
    .describe('null: none is in force, and what needs it is refused'),
  currency: z.string().nullable(),
  listPricePerCredit: z.string().nullable().describe('Before the discount, where it is known'),
  source: z.enum(['rateSheet', 'book', 'list']).nullable(),
  since: z.string().nullable(),
});

const heldSchema = z.object({
  account: z.string(),
  ratingType: z.string(),
  serviceType: z.string(),
  from: z.string().describe('The first day on which the rate sheet has it'),
  to: z.string().nullable(),
  pricePerCredit: z.string().nullable().describe('null: the sheet has a row without a price'),
  currency: z.string(),
  why: z.string().describe('Why it is held'),
  inForce: z.string().nullable().describe('The price that stays in force meanwhile'),
  importedBy: z
    .string()
    .nullable()
    .describe('Who cannot accept it; null: the schedule imported it'),
});

const decisionBody = z.strictObject({
  account: z.string().max(63),
  ratingType: z.string().max(60),
  serviceType: z.string().max(60),
  from: calendarDay,
  decision: z.enum(['accept', 'decline']),
  reason: reasonSchema,
});

/** `GET /prices`, `GET /prices/held`, `POST /prices/decisions`. */
export function addPriceRoutes(app: ApiApp, context: ApiContext): void {
  const access = ['platform', 'finance'] as const;
  app.get(
    '/prices',
    {
      config: { access },
      schema: {
        summary:
          'What a credit costs at an instant, by account, kind and service, and from where that is known',
        querystring: z.strictObject({ at: instantSchema.optional().describe('Absent: now') }),
        response: { 200: z.object({ at: z.string(), prices: z.array(priceSchema) }) },
      },
    },
    async (request) => {
      const { document } = await controlOf(context.db);
      const imported = await readPricesInForce(context.db);
      const at = tryParseInstant(request.query.at ?? '') ?? context.clock.now();
      const priceAt = priceLookup(document, imported);
      const keys = keysOf(document, imported);
      return {
        at: formatInstant(at),
        prices: keys.slice(0, KEYS_MAX).map((key) => pricedJson(key, priceAt, at)),
      };
    },
  );
  app.get(
    '/prices/held',
    {
      config: { access },
      schema: {
        summary:
          'Prices of rate sheets that nobody should believe unseen, and what stays in force meanwhile',
        response: { 200: z.object({ held: z.array(heldSchema) }) },
      },
    },
    async () => ({ held: (await readHeldPrices(context.db)).map(heldJson) }),
  );
  addDecisionRoute(app, context);
}

function addDecisionRoute(app: ApiApp, context: ApiContext): void {
  app.post(
    '/prices/decisions',
    {
      config: {
        access: ['platform', 'finance'],
        example: {
          account: 'demo',
          ratingType: 'COMPUTE',
          serviceType: 'WAREHOUSE_METERING',
          from: '2026-10-05',
          decision: 'accept',
          reason: 'new contract, page 3',
        },
      },
      schema: {
        summary: 'Accepts or declines a price that is held; not by the one who imported it',
        body: decisionBody,
        response: { 200: z.object({ pricePerCredit: z.string(), currency: z.string() }) },
      },
    },
    async ({ body, actor }) => {
      const { document } = await controlOf(context.db);
      const at = context.clock.now();
      const { account, ratingType, serviceType, from: fromDay, reason } = body;
      const decision = body.decision === 'accept' ? 'accepted' : 'declined';
      const decided = await context.db.transaction(async (tx) => {
        const key = { account, ratingType, serviceType, fromDay };
        const word = { ...key, decision, decidedBy: actor.id, at, reason } as const;
        const outcome = await decidePrice(tx, word, otherPrice(document));
        if (outcome.kind === 'decided')
          await appendAudit(tx, {
            actor,
            action: decision === 'accepted' ? 'price.accept' : 'price.decline',
            subject: `price/${account}/${ratingType}/${serviceType}`,
            reason,
            before: null,
            after: { from: fromDay, pricePerCredit: outcome.price, currency: outcome.currency },
            at,
          });
        return outcome;
      });
      if (decided.kind !== 'decided') throw refusal(decided);
      return { pricePerCredit: decided.price, currency: decided.currency };
    },
  );
}

function refusal(outcome: Exclude<PriceDecided, { readonly kind: 'decided' }>): ProblemError {
  switch (outcome.kind) {
    case 'notHeld':
      return notFound(
        'No price of that key and day is held.',
        'GET /prices/held lists them',
        'from',
      );
    case 'samePerson':
      return new ProblemError({
        status: 403,
        title: 'Forbidden',
        detail: 'You imported this price, so somebody else must accept or decline it.',
      });
    case 'noPrice':
      return badField(
        'decision',
        'cannot accept a row without a price',
        'decline it, or import the sheet again',
      );
  }
}

interface PriceKey {
  readonly account: string;
  readonly creditKind: string;
  readonly serviceType: string;
}

const WAREHOUSES = 'WAREHOUSE_METERING';

/** Keys that the document or a rate sheet names, those of warehouses' compute first, then by their names. */
function keysOf(
  { accounts, prices }: ControlDocument,
  imported: Awaited<ReturnType<typeof readPricesInForce>>,
): readonly PriceKey[] {
  const keys = new Map<string, PriceKey>();
  const add = (key: PriceKey): void => {
    keys.set(`${key.account}|${key.creditKind}|${key.serviceType}`, key);
  };
  for (const { id: account } of accounts) {
    add({ account, creditKind: 'compute', serviceType: WAREHOUSES });
    for (const { creditKind, serviceType = WAREHOUSES, account: of = account } of prices)
      if (of === account) add({ account, creditKind, serviceType });
  }
  for (const { account, ratingType, serviceType } of imported)
    add({ account, creditKind: ratingType.toLowerCase(), serviceType });
  const rank = ({ creditKind, serviceType }: PriceKey): number =>
    creditKind === 'compute' && serviceType === WAREHOUSES ? 0 : 1;
  return [...keys]
    .sort(([a, keyA], [b, keyB]) => rank(keyA) - rank(keyB) || (a < b ? -1 : 1))
    .map(([, key]) => key);
}

function pricedJson(key: PriceKey, priceAt: PriceAt, at: number): z.infer<typeof priceSchema> {
  const { account, serviceType } = key;
  const price = priceAt(key.creditKind, at, { account, serviceType });
  const { listPricePerCredit: list = null } = price ?? {};
  return {
    ...key,
    pricePerCredit: price === undefined ? null : formatAmount(price.pricePerCredit),
    currency: price?.currency ?? null,
    listPricePerCredit: list === null ? null : formatAmount(list),
    source: price?.source ?? null,
    since: price === undefined ? null : formatInstant(price.since),
  };
}

function heldJson(held: HeldPrice): z.infer<typeof heldSchema> {
  const { account, ratingType, serviceType, currency, importedBy } = held;
  return {
    account,
    ratingType,
    serviceType,
    currency,
    importedBy,
    from: held.fromDay,
    to: held.toDay,
    pricePerCredit: held.price === '' ? null : held.price,
    why: held.why ?? '',
    inForce: held.former,
  };
}
