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

const requestSchema = z.object({
  id: z.string(),
  account: z.string(),
  from: z.string().nullable().describe('null: from where it was read to'),
  askedBy: z.string(),
  askedAt: z.string(),
  doneAt: z.string().nullable(),
  problem: z.string().nullable().describe('Why it could not be done'),
  rowsWritten: z.int().nullable().describe('Rows that were new or said something else'),
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
                readTo: z.string(),
                importedAt: z.string(),
              }),
            ),
          }),
        },
      },
    },
    async () => ({
      views: (await importedTo(context.db)).map(({ account, view, readTo, importedAt }) => ({
        account,
        view,
        readTo: formatInstant(readTo),
        importedAt: formatInstant(importedAt),
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

async function accountAsked(context: ApiContext, asked: string | undefined): Promise<string> {
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

function toJson(request: ImportRequest): z.infer<typeof requestSchema> {
  return {
    ...request,
    from: request.from === null ? null : formatInstant(request.from),
    askedAt: formatInstant(request.askedAt),
    doneAt: request.doneAt === null ? null : formatInstant(request.doneAt),
  };
}
