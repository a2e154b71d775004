/** Exchange rates of bills: entered by one person, in force once another accepts them. */
import { z } from 'zod';
import {
  type EnteredRate,
  type ExchangeRate,
  decideExchangeRate,
  enterExchangeRate,
  listExchangeRates,
} from '#billing/exchange/exchange-rates.js';
import { lastDayOf } from '#billing/bills/days.js';
import type { Transaction } from '#base/postgres/pool.js';
import { formatInstant, tryParseMonth } from '#base/time.js';
import { type Money, formatAmount, tryParseMoney } from '#base/units.js';
import { calendarDay, currency as currencySchema } from '#policies/control/schema-values.js';
import type { Actor } from '../actor.js';
import { keyOfCursor, nextCursorSchema, pageFields, pageOf } from '../pagination.js';
import { ProblemError, badField, conflict, notFound } from '../problems.js';
import { appendAudit } from '../stores/audit-store.js';
import { idParams } from './adjustments.js';
import { type ApiApp, type ApiContext, controlOf, reasonSchema } from './api.js';

const ACCESS = ['platform', 'finance'] as const;
const RATES_MAX = 1_000;

const rateSchema = z.object({
  id: z.string(),
  from: z.string().describe('Currency of the invoice'),
  to: z.string().describe('Currency of the bill'),
  rate: z.string().describe('Units of `to` for one of `from`'),
  fromDay: z.string(),
  toDay: z.string(),
  source: z.string(),
  state: z.enum(['held', 'accepted', 'declined']),
  enteredBy: z.string().describe('Who cannot accept it'),
  enteredAt: z.string(),
  decidedBy: z.string().nullable(),
  decidedAt: z.string().nullable(),
  decisionReason: z.string().nullable(),
});

const enteredBody = z.strictObject({
  rates: z
    .array(
      z.strictObject({
        to: currencySchema.describe('Currency of the bill'),
        rate: z.string().max(60).describe('Units of it for one of the billing currency'),
        fromDay: calendarDay.describe('First UTC day on which it holds'),
        toDay: calendarDay.optional().describe('The last; absent: the end of the month of fromDay'),
        source: z
          .string()
          .trim()
          .min(1, 'must say where the rate was read')
          .max(200)
          .describe('Where it was read'),
      }),
    )
    .min(1, 'must have a rate')
    .max(RATES_MAX),
  reason: reasonSchema,
});

/** `GET /exchange-rates`, `POST /exchange-rates`, `POST /exchange-rates/{id}/decision`. */
export function addExchangeRateRoutes(app: ApiApp, context: ApiContext): void {
  app.get(
    '/exchange-rates',
    {
      config: { access: ACCESS },
      schema: {
        summary:
          'Exchange rates of bills, the newest first, and those that wait for a second person',
        querystring: z.strictObject(pageFields),
        response: { 200: z.object({ rates: z.array(rateSchema), nextCursor: nextCursorSchema }) },
      },
    },
    async ({ query }) => {
      const list = 'exchange-rates';
      const key = keyOfCursor(list, query.cursor, z.tuple([z.string().regex(/^\d{1,18}$/)]));
      const range = { beforeId: key?.[0] ?? null, limit: query.limit + 1 };
      const found = await listExchangeRates(context.db, range);
      const { rows, nextCursor } = pageOf(list, found, query.limit, ({ id }) => [id]);
      return { rates: rows.map(rateJson), nextCursor };
    },
  );
  addEnter(app, context);
  addDecide(app, context);
}

function addEnter(app: ApiApp, context: ApiContext): void {
  app.post(
    '/exchange-rates',
    {
      config: {
        access: ACCESS,
        example: {
          rates: [
            { to: 'EUR', rate: '0.9213', fromDay: '2026-10-01', source: 'ECB, 30 October 2026' },
          ],
          reason: 'rates of October',
        },
      },
      schema: {
        summary: 'Enters exchange rates, all or none; each is held until somebody else accepts it',
        body: enteredBody,
        response: { 200: z.object({ rates: z.array(rateSchema) }) },
      },
    },
    async ({ body, actor }) => {
      const { document } = await controlOf(context.db);
      const { currency } = document.organisation;
      const asked = body.rates.map((rate, index) => entered(currency, rate, `rates.${index}`));
      const at = context.clock.now();
      const rates = await context.db.transaction(async (tx) => {
        const written: ExchangeRate[] = [];
        for (const rate of asked) {
          const one = await enterExchangeRate(tx, rate, { by: actor.id, at });
          await audit(tx, actor, {
            action: 'exchangeRate.enter',
            reason: body.reason,
            rate: one,
            at,
          });
          written.push(one);
        }
        return written;
      });
      return { rates: rates.map(rateJson) };
    },
  );
}

function addDecide(app: ApiApp, context: ApiContext): void {
  app.post(
    '/exchange-rates/:id/decision',
    {
      config: { access: ACCESS, example: { decision: 'accepted', reason: 'as the ECB has it' } },
      schema: {
        summary: 'Accepts or declines an exchange rate; whoever entered it may only decline it',
        params: idParams,
        body: z.strictObject({ decision: z.enum(['accepted', 'declined']), reason: reasonSchema }),
        response: { 200: z.object({ rate: rateSchema }) },
      },
    },
    async ({ params, body: word, actor }) => {
      if (!/^\d{1,18}$/.test(params.id)) throw unknownRate();
      const at = context.clock.now();
      const outcome = await context.db.transaction(async (tx) => {
        const decided = await decideExchangeRate(tx, { id: params.id, ...word, by: actor.id, at });
        const action =
          word.decision === 'accepted' ? 'exchangeRate.accept' : 'exchangeRate.decline';
        if (decided.kind === 'decided')
          await audit(tx, actor, { action, reason: word.reason, rate: decided.rate, at });
        return decided;
      });
      switch (outcome.kind) {
        case 'decided':
          return { rate: rateJson(outcome.rate) };
        case 'unknown':
          throw unknownRate();
        case 'decidedAlready':
          throw conflict(
            `Exchange rate ${outcome.rate.id} is ${outcome.rate.decision?.decision ?? 'decided'} already, by ${outcome.rate.decision?.by ?? 'somebody'}.`,
            'id',
            'must wait',
            'enter another rate of the same days: of several the one entered last holds',
          );
        case 'samePerson':
          throw new ProblemError({
            status: 403,
            title: 'Forbidden',
            detail: 'You entered this rate, so somebody else has to accept it.',
          });
      }
    },
  );
}

/** What was asked for as it is written. @throws a 400 that names the field */
function entered(
  fromCurrency: string,
  asked: z.infer<typeof enteredBody>['rates'][number],
  field: string,
): EnteredRate {
  const { to: toCurrency, fromDay, source } = asked;
  if (tryParseMonth(fromDay.slice(0, 7)) === undefined)
    throw badField(`${field}.fromDay`, 'must be of the years 2000 to 2999', 'name the first day');
  const toDay = asked.toDay ?? lastDayOf(fromDay.slice(0, 7));
  if (toCurrency === fromCurrency)
    throw badField(
      `${field}.to`,
      `must be another currency than ${fromCurrency}, in which Snowflake invoices`,
      'leave it out: such bills are not converted',
    );
  if (toDay < fromDay)
    throw badField(`${field}.toDay`, 'must not be before fromDay', 'give the last day of the rate');
  return { fromCurrency, toCurrency, rate: rateAmount(asked.rate, field), fromDay, toDay, source };
}

/** Above zero and below 10^12, so that no bill leaves the range of amounts. */
const RATE_END = 10n ** 24n;

function rateAmount(text: string, field: string): Money {
  const rate = tryParseMoney(text);
  if (rate === undefined || rate <= 0n || rate >= RATE_END)
    throw badField(
      `${field}.rate`,
      'must be a decimal in quotes, more than zero, of at most twelve decimals',
      'write it as "0.9213"',
    );
  return rate;
}

async function audit(
  tx: Transaction,
  actor: Actor,
  of: {
    readonly action: string;
    readonly reason: string;
    readonly rate: ExchangeRate;
    readonly at: number;
  },
): Promise<void> {
  const { from, to, rate, fromDay, toDay, source } = rateJson(of.rate);
  await appendAudit(tx, {
    actor,
    action: of.action,
    subject: `exchange-rate/${of.rate.id}`,
    reason: of.reason,
    before: null,
    after: { from, to, rate, fromDay, toDay, source },
    at: of.at,
  });
}

function unknownRate(): ProblemError {
  return notFound('There is no such exchange rate.', 'GET /api/v1/exchange-rates lists them', 'id');
}

function rateJson(of: ExchangeRate): z.infer<typeof rateSchema> {
  const { decision } = of;
  return {
    id: of.id,
    from: of.fromCurrency,
    to: of.toCurrency,
    rate: formatAmount(of.rate),
    fromDay: of.fromDay,
    toDay: of.toDay,
    source: of.source,
    state: decision?.decision ?? 'held',
    enteredBy: of.enteredBy,
    enteredAt: formatInstant(of.enteredAt),
    decidedBy: decision?.by ?? null,
    decidedAt: decision === null ? null : formatInstant(decision.at),
    decisionReason: decision?.reason ?? null,
  };
}
