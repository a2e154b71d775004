/** Imports of what the account says was used: how far they are, and one beside the schedule. */
import { z } from 'zod';
import { OPEN_REQUESTS_MAX, askForImport, importRequest } from '#billing/usage/import-requests.js';
import type { ImportRequest } from '#billing/usage/import-requests.js';
import { importedTo, waitingFigures } from '#billing/usage/imported-to.js';
import type { ImportedTo, WaitingFigures } from '#billing/usage/imported-to.js';
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

interface ViewShape extends z.ZodRawShape {
  readonly account: z.ZodString;
  readonly view: z.ZodString;
  readonly readTo: z.ZodNullable<z.ZodString>;
  readonly importedAt: z.ZodNullable<z.ZodString>;
  readonly problem: z.ZodNullable<z.ZodString>;
  readonly wayOut: z.ZodNullable<z.ZodString>;
  readonly file: z.ZodNullable<
    z.ZodObject<{ name: z.ZodString; rows: z.ZodInt; givenAt: z.ZodString }>
  >;
}

/** How far one view of one account is imported, as the API tells it. */
const viewSchema: z.ZodObject<ViewShape> = z.object({
  account: z.string(),
  view: z.string().describe('EVERY VIEW where nothing of the account can be read'),
  readTo: z.string().nullable().describe('null: never yet'),
  importedAt: z.string().nullable(),
  problem: z.string().nullable().describe('Why it is not imported now'),
  wayOut: z.string().nullable().describe('What helps'),
  file: z
    .object({ name: z.string(), rows: z.int(), givenAt: z.string() })
    .nullable()
    .describe('The last file that was given of it'),
});

interface WaitingShape extends z.ZodRawShape {
  readonly account: z.ZodString;
  readonly figures: z.ZodInt;
  readonly credits: z.ZodString;
  readonly firstEndedAt: z.ZodNullable<z.ZodString>;
  readonly lastEndedAt: z.ZodNullable<z.ZodString>;
  readonly wayOut: z.ZodString;
}

/** Figures that wait for their statement, as the API tells them. */
const waitingSchema: z.ZodObject<WaitingShape> = z.object({
  account: z.string(),
  figures: z
    .int()
    .describe("Snowflake's own figures of statements that QUERY_HISTORY has not given yet"),
  credits: z.string().describe('What they sum to: short-query lines until their statements come'),
  firstEndedAt: z.string().nullable().describe('When the first of their statements ended'),
  lastEndedAt: z.string().nullable(),
  wayOut: z.string().describe('What helps'),
});

/** `GET` and `POST /usage/imports`, `GET /usage/imports/{id}`. */
export function addUsageImportRoutes(app: ApiApp, context: ApiContext): void {
  const access = ['platform', 'finance'] as const;
  app.get(
    '/usage/imports',
    {
      config: { access },
      schema: {
        summary: 'How far each view of each account is imported, and which figures wait',
        response: {
          200: z.object({ views: z.array(viewSchema), waiting: z.array(waitingSchema) }),
        },
      },
    },
    async () => ({
      views: (await importedTo(context.db)).map(viewJson),
      waiting: (await waitingFigures(context.db, null)).map(waitingJson),
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

function viewJson({ readTo, importedAt, file, ...view }: ImportedTo): z.infer<typeof viewSchema> {
  return {
    ...view,
    readTo: instantOrNull(readTo),
    importedAt: instantOrNull(importedAt),
    file: file === null ? null : { ...file, givenAt: formatInstant(file.givenAt) },
  };
}

function waitingJson({
  firstEndedAt,
  lastEndedAt,
  ...waiting
}: WaitingFigures): z.infer<typeof waitingSchema> {
  const from = firstEndedAt === null ? '' : ` from ${formatInstant(firstEndedAt).slice(0, 10)} on`;
  return {
    ...waiting,
    firstEndedAt: instantOrNull(firstEndedAt),
    lastEndedAt: instantOrNull(lastEndedAt),
    wayOut: `import QUERY_HISTORY${from}: by its view, or tollgate import --file query_history.csv --view QUERY_HISTORY`,
  };
}

function instantOrNull(at: number | null): string | null {
  return at === null ? null : formatInstant(at);
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
