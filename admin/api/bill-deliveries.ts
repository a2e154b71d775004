/** Bills of a month delivered by e-mail and to the object store, and what became of each delivery. */
import { z } from 'zod';
import { formatInstant } from '#base/time.js';
import type { BillForm } from '#billing/bills/bill-files.js';
import type { BilledMonth } from '#billing/bills/billed-month.js';
import { deliverBills, type DeliveryTargets } from '../deliveries/deliver-bills.js';
import { readAudience } from '../notifications/audience.js';
import { keyOfCursor, nextCursorSchema, pageFields, pageOf } from '../pagination.js';
import { badField, conflict, notFound } from '../problems.js';
import {
  BILL_DELIVERY_STATES,
  DELIVERY_KINDS,
  listBillDeliveries,
  type ListedBillDelivery,
} from '../stores/bill-delivery-store.js';
import type { ApiApp, ApiContext } from './api.js';
import { monthAsked } from './asked-month.js';
import type { BillsApi } from './bills-api.js';

const EXTRA_FORMS = ['xlsx', 'csv'] as const satisfies readonly BillForm[];
/** Failures that an answer names; every one is a row of the list. */
const FAILURES_TOLD_MAX = 100;

const params = z.object({ month: z.string().max(20).describe('YYYY-MM') });

const body = z.strictObject({
  to: z
    .array(z.enum(DELIVERY_KINDS, `must be ${DELIVERY_KINDS.join(' or ')}`))
    .min(1)
    .max(DELIVERY_KINDS.length)
    .optional()
    .describe('Absent: to all that the settings name'),
  forms: z
    .array(z.enum(EXTRA_FORMS, `must be ${EXTRA_FORMS.join(' or ')}`))
    .max(EXTRA_FORMS.length)
    .default([])
    .describe('Attached to e-mails beside the PDF'),
  provisional: z.boolean().default(false).describe('Also of a month that is not closed'),
});

const reportSchema = z.object({
  month: z.string(),
  version: z.number(),
  state: z.string(),
  sent: z.number(),
  alreadySent: z.number().describe('Had arrived before; nothing was sent'),
  underWay: z.number().describe('Somebody else is sending it at this moment'),
  failed: z.number(),
  failures: z
    .array(
      z.object({
        kind: z.enum(DELIVERY_KINDS),
        target: z.string(),
        item: z.string(),
        why: z.string(),
      }),
    )
    .describe(`The first ${FAILURES_TOLD_MAX}`),
  teamsWithoutAddress: z.array(z.string()).describe('Have a bill and no channel of kind email'),
});

const deliverySchema = z.object({
  id: z.string(),
  version: z.number(),
  status: z.string(),
  kind: z.enum(DELIVERY_KINDS),
  target: z.string(),
  item: z.string().describe('A bill by its id, or a file by its name'),
  team: z.string().nullable(),
  forms: z.array(z.string()),
  contentHash: z.string(),
  state: z.enum(BILL_DELIVERY_STATES),
  attempts: z.number(),
  problem: z.string().nullable().describe('Why the last attempt failed'),
  actor: z.string(),
  triedAt: z.string(),
  endedAt: z.string().nullable(),
});

/** `POST` and `GET /exports/{month}/deliveries`. */
export function addBillDeliveryRoutes(app: ApiApp, context: ApiContext, bills: BillsApi): void {
  addDeliverRoute(app, context, bills);
  addListRoute(app, context);
}

function addDeliverRoute(app: ApiApp, context: ApiContext, bills: BillsApi): void {
  app.post(
    '/exports/:month/deliveries',
    {
      config: { access: ['platform', 'finance'], example: { to: ['email'], forms: ['xlsx'] } },
      schema: {
        summary: 'Deliver the bills of a month; what has arrived already is not sent again',
        params,
        body,
        response: { 200: reportSchema },
      },
    },
    async (request) => {
      const { to, forms, provisional } = request.body;
      const targets = targetsAsked(bills.targets, to);
      monthAsked(request.params.month);
      const month = await bills.readMonth(request.params.month);
      mayBeDelivered(month, provisional);
      const audience = await readAudience(context.db, []);
      if (audience === undefined)
        throw conflict(
          'No control document is in force.',
          'month',
          'needs teams and their channels',
          'apply a control document first',
        );
      const { db, clock } = context;
      const attached: readonly BillForm[] = [
        'pdf',
        ...EXTRA_FORMS.filter((form) => forms.includes(form)),
      ];
      const { failed, ...rest } = await deliverBills(
        {
          ...targets,
          db,
          clock,
          renderer: bills.renderer,
          month,
          actor: request.actor,
          forms: attached,
        },
        audience,
      );
      return {
        month: month.month,
        version: month.version,
        state: month.state,
        ...rest,
        teamsWithoutAddress: [...rest.teamsWithoutAddress],
        failed: failed.length,
        failures: failed.slice(0, FAILURES_TOLD_MAX),
      };
    },
  );
}

function addListRoute(app: ApiApp, context: ApiContext): void {
  app.get(
    '/exports/:month/deliveries',
    {
      config: { access: ['platform', 'finance'] },
      schema: {
        summary: 'What of a month was delivered to whom, and what did not arrive; the newest first',
        params,
        querystring: z.strictObject(pageFields),
        response: {
          200: z.object({ deliveries: z.array(deliverySchema), nextCursor: nextCursorSchema }),
        },
      },
    },
    async ({ params: { month }, query }) => {
      const before = keyOfCursor('deliveries', query.cursor, z.string().regex(/^\d{1,18}$/));
      monthAsked(month);
      const found = await listBillDeliveries(context.db, {
        month,
        before: before ?? null,
        limit: query.limit + 1,
      });
      const { rows, nextCursor } = pageOf('deliveries', found, query.limit, ({ id }) => id);
      return { deliveries: rows.map(toApiDelivery), nextCursor };
    },
  );
}

/** @throws ProblemError 400 for a kind that the settings do not name, 409 where they name none. */
function targetsAsked(
  { mailer, objectStore }: DeliveryTargets,
  to: readonly (typeof DELIVERY_KINDS)[number][] | undefined,
): DeliveryTargets {
  if (mailer === null && objectStore === null)
    throw conflict(
      'This process has neither a mail server nor an object store.',
      'to',
      'needs one of them',
      'set TOLLGATE_MAIL_HOST or TOLLGATE_BILLS_S3_BUCKET where the API runs',
    );
  if (to === undefined) return { mailer, objectStore };
  if (to.includes('email') && mailer === null)
    throw badField(
      'to',
      'names email, and no mail server is set',
      'set TOLLGATE_MAIL_HOST, or leave email out',
    );
  if (to.includes('object-store') && objectStore === null)
    throw badField(
      'to',
      'names object-store, and no bucket is set',
      'set TOLLGATE_BILLS_S3_BUCKET, or leave object-store out',
    );
  return {
    mailer: to.includes('email') ? mailer : null,
    objectStore: to.includes('object-store') ? objectStore : null,
  };
}

/** @throws ProblemError 409 for what is not closed unless it is asked for so, 404 for a month without use. */
function mayBeDelivered(month: BilledMonth, provisional: boolean): void {
  if (month.bills.every(({ lines }) => lines.length === 0))
    throw notFound(
      `Nothing was metered, charged or booked in ${month.month}.`,
      'ask for a month with use',
      'month',
    );
  if (month.state !== 'closed' && !provisional)
    throw conflict(
      `${month.month} is not closed (${month.state}): its bills may change.`,
      'provisional',
      'must be true for a month that is not closed',
      'close the month first, or send "provisional": true; every subject then says so',
    );
}

function toApiDelivery(row: ListedBillDelivery): z.infer<typeof deliverySchema> {
  const { team_id, content_hash, tried_at, ended_at, forms, ...same } = row;
  return {
    ...same,
    team: team_id,
    forms: [...forms],
    contentHash: content_hash,
    triedAt: formatInstant(tried_at.getTime()),
    endedAt: ended_at === null ? null : formatInstant(ended_at.getTime()),
  };
}
