/** The audit log: in pages for people, as a whole for whoever checks it elsewhere. */
import { Readable } from 'node:stream';
import { z } from 'zod';
import type { Database } from '#base/postgres/pool.js';
import { auditEventSchema, lineOfEvent } from '../audit-chain.js';
import { keyOfCursor, nextCursorSchema, pageFields, pageOf } from '../pagination.js';
import {
  AUDIT_GENESIS,
  type AuditEvent,
  listAudit,
  readAudit,
  readAuditHead,
} from '../stores/audit-store.js';
import type { ApiApp, ApiContext } from './api.js';
import { addLedgerRoutes } from './audit-ledger.js';

/** Events read at once for the export; memory is bounded by this many. */
const EXPORT_BATCH = 200;

/** `GET /audit`, `GET /audit/head`, `GET /audit/export.jsonl`, and the ledger's own. */
export function addAuditRoutes(app: ApiApp, context: ApiContext): void {
  app.get(
    '/audit',
    {
      config: { access: ['platform'] },
      schema: {
        summary: 'Every write of the control plane, the newest first',
        querystring: z.strictObject({
          ...pageFields,
          subject: z
            .string()
            .max(300)
            .optional()
            .describe('What it was done to, such as budget/marketing-monthly'),
          action: z.string().max(100).optional().describe('What was done, such as freeze.begin'),
          actor: z.string().max(300).optional().describe('Who did it, as the events name it'),
        }),
        response: {
          200: z.object({ events: z.array(auditEventSchema), nextCursor: nextCursorSchema }),
        },
      },
    },
    async (request) => {
      const { limit, cursor, ...filters } = request.query;
      const beforeSequence = keyOfCursor('audit', cursor, z.int().min(1));
      const events = await listAudit(context.db, { beforeSequence, ...filters, limit: limit + 1 });
      const { rows, nextCursor } = pageOf('audit', events, limit, (event) => event.sequence);
      return { events: [...rows], nextCursor };
    },
  );
  addHead(app, context);
  addExport(app, context);
  addLedgerRoutes(app, context);
}

function addHead(app: ApiApp, context: ApiContext): void {
  app.get(
    '/audit/head',
    {
      config: { access: ['platform'] },
      schema: {
        summary:
          'The last event of the chain; keep its hash elsewhere to find a shortened log later',
        response: {
          200: z.object({
            sequence: z.int().describe('0: nothing was written yet'),
            hash: z.string(),
          }),
        },
      },
    },
    async () => (await readAuditHead(context.db)) ?? { sequence: 0, hash: AUDIT_GENESIS },
  );
}

function addExport(app: ApiApp, context: ApiContext): void {
  app.get(
    '/audit/export.jsonl',
    {
      config: { access: ['platform'], media: ['application/jsonl'] },
      schema: { summary: 'The whole chain, the oldest first, an event a line' },
    },
    async (_request, reply) => {
      const head = await readAuditHead(context.db);
      return reply
        .header('content-type', 'application/jsonl; charset=utf-8')
        .header('content-disposition', 'attachment; filename="audit.jsonl"')
        .send(Readable.from(linesUpTo(context.db, head?.sequence ?? 0)));
    },
  );
}

/** What was written before the export began; later events wait for the next one. */
async function* linesUpTo(db: Database, lastSequence: number): AsyncGenerator<string> {
  let afterSequence = 0;
  while (afterSequence < lastSequence) {
    const limit = Math.min(EXPORT_BATCH, lastSequence - afterSequence);
    const events: readonly AuditEvent[] = await readAudit(db, { afterSequence, limit });
    if (events.length === 0) return;
    for (const event of events) yield `${lineOfEvent(event)}\n`;
    afterSequence = events.at(-1)?.sequence ?? lastSequence;
  }
}
