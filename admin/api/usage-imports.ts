/** Imports of what the account says was used: how far they are, and one beside the schedule. */
import { z } from 'zod';
import {
  OPEN_REQUESTS_MAX,
  askForImport,
  importRequest,
  importedTo,
} from '#billing/usage/import-requests.js';
import type { ImportRequest } from '#billing/usage/import-requests.js';
import { formatInstant } from '#base/time.js';
import { tryParseInstant } from '#policies/control/instant.js';
import { badField, conflict, notFound } from '../problems.js';
import { appendAudit } from '../stores/audit-store.js';
import { type ApiApp, type ApiContext, controlOf, instantSchema } from './api.js';

interface RequestShape extends z.ZodRawShape {
  readonly id: z.ZodString;
  readonly account: z.ZodString;
  readonly from: z.ZodNullable<z.ZodString>;
  readonly askedBy: z.ZodString;
  readonly askedAt: z.ZodString;
  readonly doneAt: z.ZodNullable<z.ZodString>;
  readonly problem: z.ZodNullable<z.ZodString>;
  readonly rowsWritten: z.ZodNullable<z.ZodInt>;
  readonly file: z.ZodNullable<
    z.ZodObject<{ view: z.ZodString; name: z.ZodString; sha256: z.ZodString; rows: z.ZodInt }>
  >;
}

/** One import that was asked for, as the API tells it. */
export const requestSchema: z.ZodObject<RequestShape> = z.object({
  id: z.string(),
  account: z.string(),
  from: z.string().nullable().describe('null: from where it was read to'),
  askedBy: z.string(),
  askedAt: z.string(),
  doneAt: z.string().nullable(),
  problem: z.string().nullable().describe('Why it could not be done'),
  rowsWritten: z.int().nullable().describe('Rows that were new or said something else'),
  file: z
    .object({ view: z.string(), name: z.string(), sha256: z.string(), rows: z.int() })
    .nullable()
    .describe('What was uploaded in place of a view; null: the views were asked for'),
});

const body = z.strictObject({
  account: z.string().max(63).optional().describe('Id of an account; the only one may be left out'),
  from: instantSchema.optional().describe('Reads everything from then on again'),
});

const params = z.object({ id: z.string().max(40) });
const IMPORT_ID = /^\d{1,18}$/;

/** `GET` and `POST /usage/imports`, `GET /usage/imports/{id}`. */
export function addUsageImportRoutes(app: ApiApp, context: ApiContext): void {
  const access = ['platform', 'finance'] as const;
  app.get(
    '/usage/imports',
    {
      config: { access },
      schema: {
        summary: 'How far each view of each account is imported',
        response: {
          200: z.object({
            views: z.array(
              z.object({
                account: z.string(),
                view: z.string(),
                readTo: z.string().nullable().describe('null: never yet'),
                importedAt: z.string().nullable(),
                problem: z.string().nullable().describe('Why it is not imported now'),
                wayOut: z.string().nullable().describe('What helps'),
              }),
            ),
          }),
        },
      },
    },
    async () => ({
      views: (await importedTo(context.db)).map(({ readTo, importedAt, ...view }) => ({
        ...view,
        readTo: readTo === null ? null : formatInstant(readTo),
        importedAt: importedAt === null ? null : formatInstant(importedAt),
      })),
    }),
  );
  app.get(
    '/usage/imports/:id',
    {
      config: { access },
      schema: {
        summary: 'One import that was asked for',
        params,
        response: { 200: requestSchema },
      },
    },
    async (request) => {
      const { id } = request.params;
      const found = IMPORT_ID.test(id) ? await importRequest(context.db, id) : undefined;
      if (found === undefined)
        throw notFound(`There is no import ${id}.`, 'POST /usage/imports asks for one', 'id');
      return toJson(found);
    },
  );
  addAskRoute(app, context);
}

function addAskRoute(app: ApiApp, context: ApiContext): void {
  app.post(
    '/usage/imports',
    {
      config: { access: ['platform', 'finance'] },
      schema: {
        summary: 'Asks the worker to import now',
        body,
        response: { 202: requestSchema },
      },
    },
    async (request, reply) => {
      const account = await accountAsked(context, request.body.account);
      const from =
        request.body.from === undefined ? null : (tryParseInstant(request.body.from) ?? null);
      const { actor } = request;
      const at = context.clock.now();
      const asked = await context.db.transaction(async (tx) => {
        const made = await askForImport(tx, { account, from, askedBy: actor.id, askedAt: at });
        if (made !== undefined)
          await appendAudit(tx, {
            actor,
            action: 'usage.import',
            subject: `account/${account}`,
            reason: null,
            before: null,
            after: { from: from === null ? null : formatInstant(from) },
            at,
          });
        return made;
      });
      if (asked === undefined)
        throw conflict(
          `${OPEN_REQUESTS_MAX} imports of ${account} wait already.`,
          'account',
          `may have ${OPEN_REQUESTS_MAX} imports that wait`,
          'ask again when one is done',
        );
      return reply.code(202).send(toJson(asked));
    },
  );
}

/** The account that is asked for, else the only one. Throws a 400 by field. */
export async function accountAsked(
  context: ApiContext,
  asked: string | undefined,
): Promise<string> {
  const { accounts } = (await controlOf(context.db)).document;
  const [only, other] = accounts;
  if (asked === undefined && only !== undefined && other === undefined) return only.id;
  const found = accounts.find(({ id }) => id === asked);
  if (found !== undefined) return found.id;
  throw badField(
    'account',
    'must be an account of the control document',
    `choose one of ${accounts
      .slice(0, 20)
      .map(({ id }) => id)
      .join(', ')}`,
  );
}

/** As the API tells it. */
export function toJson(request: ImportRequest): z.infer<typeof requestSchema> {
  return {
    ...request,
    from: request.from === null ? null : formatInstant(request.from),
    askedAt: formatInstant(request.askedAt),
    doneAt: request.doneAt === null ? null : formatInstant(request.doneAt),
  };
}
