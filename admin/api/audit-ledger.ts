/** The sealed ledger, for whoever checks it elsewhere: its head to keep, and its lines. */
import { Readable } from 'node:stream';
import { z } from 'zod';
import { must } from '#base/assert.js';
import { type EpochMs, formatInstant } from '#base/time.js';
import { ledgerLines } from '#billing/seal/export-lines.js';
import { readPassedOver, readSealBacklog, readSealHead } from '#billing/seal/seal.js';
import { tryParseInstant } from '#policies/control/instant.js';
import { badField } from '../problems.js';
import { type ApiApp, type ApiContext, instantSchema } from './api.js';

/** Journals without a seal that the head names. */
const PASSED_OVER_MAX = 100;

const headReply = z.object({
  sequence: z.int().describe('0: nothing is sealed yet'),
  hash: z.string(),
  root: z.string().nullable().describe('Merkle root of the last batch'),
  sealedAt: z.string().nullable(),
  waiting: z.int().describe('Journals behind the head'),
  oldestWaitingSeconds: z.number(),
  passedOver: z
    .array(z.string())
    .describe('Journals before the head without a seal, which were written past Tollgate'),
});

const exportQuery = z.strictObject({
  from: instantSchema.optional().describe('What was sealed from then on'),
  to: instantSchema.optional().describe('and before then'),
});

/** `GET /audit/ledger`, `GET /audit/ledger/head`. */
export function addLedgerRoutes(app: ApiApp, context: ApiContext): void {
  app.get(
    '/audit/ledger/head',
    {
      config: { access: ['platform', 'finance'] },
      schema: {
        summary: 'How far the ledger is sealed; keep its hash elsewhere to find another chain',
        response: { 200: headReply },
      },
    },
    async () => {
      const head = await readSealHead(context.db);
      const { waiting, oldestSeconds } = await readSealBacklog(context.db);
      return {
        sequence: head.sequence,
        hash: head.hash,
        root: head.root,
        sealedAt: head.sealedAt === null ? null : formatInstant(head.sealedAt),
        waiting,
        oldestWaitingSeconds: oldestSeconds,
        passedOver: [...(await readPassedOver(context.db, { limit: PASSED_OVER_MAX }))],
      };
    },
  );
  app.get(
    '/audit/ledger',
    {
      config: { access: ['platform', 'finance'], media: ['application/jsonl'] },
      schema: {
        summary: 'The sealed ledger: a manifest, every record and the anchors, a line each',
        querystring: exportQuery,
      },
    },
    (request, reply) => {
      const span = {
        from: instantOf(request.query.from),
        to: instantOf(request.query.to),
      };
      if (span.from !== null && span.to !== null && span.to <= span.from)
        throw badField('to', 'must lie after from', 'swap them');
      return reply
        .header('content-type', 'application/jsonl; charset=utf-8')
        .header('content-disposition', 'attachment; filename="ledger.jsonl"')
        .send(Readable.from(withEnds(ledgerLines(context.db, span))));
    },
  );
}

function instantOf(text: string | undefined): EpochMs | null {
  return text === undefined ? null : must(tryParseInstant(text), 'the schema has read it');
}

async function* withEnds(lines: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const line of lines) yield `${line}\n`;
}
