/** The control document as a whole: read, plan, apply, roll back. */
import { z } from 'zod';
import type { ControlDocument } from '#policies/control/document.js';
import { diffControl } from '#policies/control/diff.js';
import { parseControlDocument } from '#policies/control/parse.js';
import type { ControlProblem } from '#policies/control/problem.js';
import { badField, notFound, ProblemError, problemSchema } from '../problems.js';
import {
  applyControl,
  type ApplyOutcome,
  listVersions,
  readControlVersion,
} from '../stores/control-store.js';
import { type ApiApp, type ApiContext, controlOf, reasonSchema } from './api.js';

/** A document of 20,000 principals is about 4 MiB. */
const DOCUMENT_BYTES_MAX = 16 * 1024 * 1024;

const documentSchema = z.record(z.string(), z.unknown()).describe('The control document');
const planBody = z.strictObject({ document: documentSchema });
const applyBody = z.strictObject({
  document: documentSchema,
  reason: reasonSchema,
  expectedVersion: z.int().min(0).optional().describe('The version the change was made from'),
});
const rollbackBody = z.strictObject({ version: z.int().min(1), reason: reasonSchema });

const differenceSchema = z.object({
  part: z.string(),
  key: z.string(),
  change: z.enum(['added', 'removed', 'changed']),
  fields: z.array(z.object({ field: z.string(), before: z.unknown(), after: z.unknown() })),
});
const appliedReply = z.object({ controlVersion: z.int(), isChanged: z.boolean() });

/** `GET` and `PUT /control`, `GET /control/versions`, `POST /control/plan` and `/control/rollback`. */
export function addControlRoutes(app: ApiApp, context: ApiContext): void {
  addReads(app, context);
  addPlan(app, context);
  addApply(app, context);
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
    '/control/versions',
    {
      config: { access: ['platform'] },
      schema: {
        summary: 'The newest versions, who made them and why',
        querystring: z.object({ limit: z.coerce.number().int().min(1).max(500).default(50) }),
        response: {
          200: z.object({
            versions: z.array(
              z.object({
                version: z.int(),
                author: z.string(),
                reason: z.string(),
                createdAt: z.string(),
              }),
            ),
          }),
        },
      },
    },
    async (request) => ({ versions: [...(await listVersions(context.db, request.query.limit))] }),
  );
}

function addPlan(app: ApiApp, context: ApiContext): void {
  app.post(
    '/control/plan',
    {
      bodyLimit: DOCUMENT_BYTES_MAX,
      config: { access: ['platform'] },
      schema: {
        summary: 'What a document would change; writes nothing',
        body: planBody,
        response: {
          200: z.object({ controlVersion: z.int(), differences: z.array(differenceSchema) }),
          400: problemSchema,
        },
      },
    },
    async (request) => {
      const { version, document } = await controlOf(context.db);
      const differences = diffControl(document, documentOf(request.body.document));
      return {
        controlVersion: version,
        differences: differences.map((each) => ({ ...each, fields: [...each.fields] })),
      };
    },
  );
}

function addApply(app: ApiApp, context: ApiContext): void {
  app.put(
    '/control',
    {
      bodyLimit: DOCUMENT_BYTES_MAX,
      config: { access: ['platform'] },
      schema: {
        summary: 'Put a document in force',
        body: applyBody,
        response: { 200: appliedReply, 400: problemSchema, 409: problemSchema },
      },
    },
    async (request) => {
      const { reason, expectedVersion } = request.body;
      const outcome = await applyControl(context.db, {
        document: documentOf(request.body.document),
        author: request.actor.id,
        reason,
        at: context.clock.now(),
        ...(expectedVersion === undefined ? {} : { expectedVersion }),
      });
      return toReply(outcome);
    },
  );
  app.post(
    '/control/rollback',
    {
      config: { access: ['platform'] },
      schema: {
        summary: 'Put an earlier version in force again, as a new version',
        body: rollbackBody,
        response: { 200: appliedReply, 400: problemSchema, 404: problemSchema },
      },
    },
    async (request) => {
      const { version, reason } = request.body;
      const raw = await readControlVersion(context.db, version);
      if (raw === undefined)
        throw notFound(
          `There is no version ${version}.`,
          'GET /api/v1/control/versions lists them',
          'version',
        );
      const outcome = await applyControl(context.db, {
        document: documentOf(raw),
        author: request.actor.id,
        reason,
        at: context.clock.now(),
      });
      return toReply(outcome);
    },
  );
}

function documentOf(raw: unknown): ControlDocument {
  const parsed = parseControlDocument(raw);
  if (!parsed.ok) throw invalid(parsed.problems);
  return parsed.document;
}

function toReply(outcome: ApplyOutcome): z.infer<typeof appliedReply> {
  switch (outcome.kind) {
    case 'applied':
      return { controlVersion: outcome.version, isChanged: true };
    case 'unchanged':
      return { controlVersion: outcome.version, isChanged: false };
    case 'invalid':
      throw invalid(outcome.problems);
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

function invalid(problems: readonly ControlProblem[]): ProblemError {
  return new ProblemError({
    status: 400,
    title: 'Bad request',
    detail: 'The control document is not valid; nothing was changed.',
    errors: problems.map(({ path, rule, wayOut }) => ({ field: path, rule, wayOut })),
  });
}
