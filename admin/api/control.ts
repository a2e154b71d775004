/** The control document as a whole: read, compare, plan, apply, roll back. */
import { z } from 'zod';
import { must } from '#base/assert.js';
import { formatInstant } from '#base/time.js';
import { readPricesInForce } from '#billing/prices/read-prices.js';
import type { ControlDocument } from '#policies/control/document.js';
import { controlJsonSchema } from '#policies/control/json-schema.js';
import { parseControlDocument } from '#policies/control/parse.js';
import { API_ROLES } from '../actor.js';
import { keyOfCursor, nextCursorSchema, pageFields, pageOf } from '../pagination.js';
import { badField, notFound, ProblemError, problemSchema } from '../problems.js';
import { applyControl, type ApplyOutcome, readControl } from '../stores/control-store.js';
import { listVersions, readControlVersion } from '../stores/control-versions.js';
import { type ApiApp, type ApiContext, controlOf, reasonSchema } from './api.js';
import {
  DOCUMENT_BYTES_MAX,
  documentFields,
  documentOf,
  documentSchema,
  invalidDocument,
} from './control-body.js';
import {
  diffSchema,
  historyOf,
  noticesOf,
  planSchema,
  storedVersionSchema,
  toApiDiff,
  type VersionJson,
  versionSchema,
} from './control-plan.js';

const VERSIONS = 'control-versions';
const versionNumber = z.coerce.number('must be a version').int('must be a version').min(1);
const versionParams = z.object({ version: versionNumber });
const planBody = z.strictObject(documentFields);
const applyBody = z.strictObject({
  ...documentFields,
  reason: reasonSchema,
  expectedVersion: z.int().min(0).optional().describe('The version the change was made from'),
});
const rollbackBody = z.strictObject({
  version: z.int().min(1),
  reason: reasonSchema,
  expectedVersion: z.int().min(0).optional().describe('The version that is to be left'),
});
const appliedReply = z.object({
  controlVersion: z.int(),
  isChanged: z.boolean(),
  changes: z.array(z.string()).describe('What changed, in words'),
  changesTotal: z.int(),
});

/** Everything under `/control`. */
export function addControlRoutes(app: ApiApp, context: ApiContext): void {
  addReads(app, context);
  addVersionReads(app, context);
  addPlan(app, context);
  addApply(app, context);
  addRollback(app, context);
}

function addReads(app: ApiApp, context: ApiContext): void {
  app.get(
    '/control',
    {
      config: { access: ['platform'] },
      schema: {
        summary: 'The control document in force',
        response: { 200: z.object({ controlVersion: z.int(), document: documentSchema }) },
      },
    },
    async () => {
      const { version, document } = await controlOf(context.db);
      return { controlVersion: version, document: { ...document } };
    },
  );
  app.get(
    '/control/schema.json',
    {
      config: { access: API_ROLES },
      schema: {
        summary: 'The JSON Schema of the control document, for editors',
        response: { 200: z.record(z.string(), z.unknown()) },
      },
    },
    () => controlJsonSchema(),
  );
}

function addVersionReads(app: ApiApp, context: ApiContext): void {
  app.get(
    '/control/versions',
    {
      config: { access: ['platform'] },
      schema: {
        summary: 'The versions, newest first: who made them, when and why',
        querystring: z.strictObject(pageFields),
        response: {
          200: z.object({
            versions: z.array(versionSchema),
            nextCursor: nextCursorSchema,
          }),
        },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const before = keyOfCursor(VERSIONS, cursor, z.int().min(1));
      const asked = { limit: limit + 1, ...(before === undefined ? {} : { before }) };
      const found = await listVersions(context.db, asked);
      const page = pageOf(VERSIONS, found, limit, ({ version }) => version);
      return { versions: page.rows.map((each) => ({ ...each })), nextCursor: page.nextCursor };
    },
  );
  app.get(
    '/control/versions/:version',
    {
      config: { access: ['platform'] },
      schema: {
        summary: 'One version with its document as it was stored',
        params: versionParams,
        response: { 200: storedVersionSchema, 404: problemSchema },
      },
    },
    async (request) => {
      const found = await versionOf(context, request.params.version, 'version');
      return { ...found, document: z.record(z.string(), z.unknown()).parse(found.document) };
    },
  );
  app.get(
    '/control/diff',
    {
      config: { access: ['platform'] },
      schema: {
        summary: 'What changed from one version to another, in words',
        querystring: z.object({ from: versionNumber, to: versionNumber }),
        response: { 200: diffSchema, 400: problemSchema, 404: problemSchema },
      },
    },
    async (request) => {
      const from = await storedDocument(context, request.query.from, 'from');
      const to = await storedDocument(context, request.query.to, 'to');
      const at = context.clock.now();
      const imported = await readPricesInForce(context.db);
      return toApiDiff({ before: from, after: to, at, imported });
    },
  );
}

function addPlan(app: ApiApp, context: ApiContext): void {
  app.post(
    '/control/plan',
    {
      bodyLimit: DOCUMENT_BYTES_MAX,
      config: { access: ['platform'] },
      schema: {
        summary: 'What a document would change, in words and money; writes nothing',
        body: planBody,
        response: { 200: planSchema, 400: problemSchema },
      },
    },
    async (request) => {
      const after = documentOf(request.body);
      const { inForce, before } = await planBase(context, after);
      const at = context.clock.now();
      const imported = await readPricesInForce(context.db);
      const sides = { before, after, at, imported };
      return {
        ...toApiDiff(sides),
        controlVersion: inForce.version,
        inForce,
        ...(await historyOf(context, sides)),
        notices: noticesOf(after, at),
      };
    },
  );
}

/** What a plan is made against: the version in force, or nothing at all before the first. */
async function planBase(
  context: ApiContext,
  after: ControlDocument,
): Promise<{ readonly inForce: VersionJson; readonly before: ControlDocument }> {
  const current = await readControl(context.db);
  if (current === undefined) {
    const createdAt = formatInstant(context.clock.now());
    const reason = 'no document is in force yet';
    return { inForce: { version: 0, author: 'nobody', reason, createdAt }, before: emptied(after) };
  }
  const { document: _document, ...inForce } = must(
    await readControlVersion(context.db, current.version),
    'versions are never deleted',
  );
  return { inForce, before: current.document };
}

function emptied({ organisation, defaultTier }: ControlDocument): ControlDocument {
  return {
    organisation,
    defaultTier,
    departments: [],
    teams: [],
    accounts: [],
    principals: [],
    mapping: [],
    budgets: [],
    tiers: [],
    warehouses: [],
    rates: [],
    prices: [],
    rules: [],
  };
}

function addApply(app: ApiApp, context: ApiContext): void {
  app.put(
    '/control',
    {
      bodyLimit: DOCUMENT_BYTES_MAX,
      config: { access: ['platform'], takesConfirmed: true },
      schema: {
        summary: 'Put a document in force',
        body: applyBody,
        response: { 200: appliedReply, 400: problemSchema, 409: problemSchema },
      },
    },
    async (request) => {
      const { reason, expectedVersion } = request.body;
      const outcome = await applyControl(context.db, {
        document: documentOf(request.body),
        actor: request.actor,
        reason,
        at: context.clock.now(),
        ...(expectedVersion === undefined ? {} : { expectedVersion }),
      });
      return toReply(outcome);
    },
  );
}

function addRollback(app: ApiApp, context: ApiContext): void {
  app.post(
    '/control/rollback',
    {
      config: { access: ['platform'], takesConfirmed: true },
      schema: {
        summary: 'Put an earlier version in force again, as a new version',
        body: rollbackBody,
        response: {
          200: appliedReply,
          400: problemSchema,
          404: problemSchema,
          409: problemSchema,
        },
      },
    },
    async (request) => {
      const { version, reason, expectedVersion } = request.body;
      const outcome = await applyControl(context.db, {
        document: await storedDocument(context, version, 'version'),
        actor: request.actor,
        reason,
        at: context.clock.now(),
        action: 'control.rollback',
        ...(expectedVersion === undefined ? {} : { expectedVersion }),
      });
      return toReply(outcome);
    },
  );
}

async function versionOf(
  context: ApiContext,
  version: number,
  field: string,
): Promise<NonNullable<Awaited<ReturnType<typeof readControlVersion>>>> {
  const found = await readControlVersion(context.db, version);
  if (found !== undefined) return found;
  throw notFound(
    `There is no version ${version}.`,
    'GET /api/v1/control/versions lists them',
    field,
  );
}

/** A version's document, which may be older than rules of today. */
async function storedDocument(
  context: ApiContext,
  version: number,
  field: string,
): Promise<ControlDocument> {
  const { document } = await versionOf(context, version, field);
  const parsed = parseControlDocument(document);
  if (parsed.ok) return parsed.document;
  throw invalidDocument(
    parsed.problems,
    `Version ${version} is not valid any more; nothing was changed. Correct a copy of it and apply that.`,
  );
}

function toReply(outcome: ApplyOutcome): z.infer<typeof appliedReply> {
  switch (outcome.kind) {
    case 'applied': {
      const { version, changes, changesTotal } = outcome;
      return { controlVersion: version, isChanged: true, changes: [...changes], changesTotal };
    }
    case 'unchanged':
      return { controlVersion: outcome.version, isChanged: false, changes: [], changesTotal: 0 };
    case 'invalid':
      throw invalidDocument(outcome.problems);
    case 'conflict':
      throw new ProblemError({
        ...badField(
          'expectedVersion',
          `must be ${outcome.version}, the version in force`,
          'plan again from the version in force',
        ).problem,
        status: 409,
        title: 'Conflict',
      });
  }
}
