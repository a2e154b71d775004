/** Uploads of exported views, for accounts that give no access. */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { importFile } from '#billing/usage/import-file.js';
import type { FileImport, FileImported } from '#billing/usage/import-file.js';
import { USAGE_VIEWS } from '#billing/usage/read-views.js';
import { UsageFileError } from '#billing/usage/usage-files.js';
import type { OpenUsageFile } from '#billing/usage/usage-files.js';
import type { Actor } from '../actor.js';
import { ProblemError, badField, conflict } from '../problems.js';
import { mayTakeLong } from '../request-time.js';
import { appendAudit } from '../stores/audit-store.js';
import type { ApiApp, ApiContext } from './api.js';
import { accountAsked, requestSchema, toJson } from './usage-imports.js';

/** How uploads are kept and read. */
export interface UsageFilesApi {
  /** A folder of this process alone, on the disk that has room for uploads. */
  readonly spoolDir: string;
  readonly open: OpenUsageFile;
  /** A name that no other upload has. */
  readonly newName: () => string;
}

const UPLOAD_BYTES_MAX: number = 512 * 1024 * 1024;
/** Uploads at a time; each holds a file and a transaction. */
const UPLOADS_MAX = 2;
const UPLOAD_TYPE = 'application/octet-stream';

const querystring = z.strictObject({
  view: z.enum(USAGE_VIEWS).describe('The view of Snowflake that the file was exported of'),
  account: z.string().max(63).optional().describe('Id of an account; the only one may be left out'),
  alsoOf: z
    .string()
    .max(63)
    .optional()
    .describe('Another account that has the same rows, by mistake: said on purpose'),
  name: z.string().max(200).optional().describe('Name of the file, for those who look it up'),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits')
    .optional()
    .describe('Of the bytes sent: an upload that was cut off is refused'),
  rows: z
    .string()
    .regex(/^\d{1,9}$/, 'must be a whole number')
    .optional()
    .describe('Rows that the file must have'),
});

/** `POST /usage/files`: the body is the file. */
export function addUsageFileRoute(routes: ApiApp, context: ApiContext, files: UsageFilesApi): void {
  void routes.register(async (scope) => {
    // The body is not read here but spooled by the handler, under its own cap.
    scope.addContentTypeParser(
      UPLOAD_TYPE,
      { bodyLimit: UPLOAD_BYTES_MAX },
      (_request, _payload, done) => done(null, null),
    );
    addRoute(scope as ApiApp, context, files);
    await Promise.resolve();
  });
}

function addRoute(routes: ApiApp, context: ApiContext, files: UsageFilesApi): void {
  let uploads = 0;
  routes.post(
    '/usage/files',
    {
      config: { access: ['platform', 'finance'] },
      bodyLimit: UPLOAD_BYTES_MAX,
      schema: {
        summary:
          'Imports a file exported of a view: CSV, CSV in gzip, or Parquet, sent as application/octet-stream',
        querystring,
        response: {
          202: z.object({
            request: requestSchema,
            leftOutRows: z.int().describe('Of other accounts, or of what used no warehouse'),
            waitingFigures: z
              .int()
              .describe('Of statements that QUERY_HISTORY has not given yet; taken when it does'),
            unreadColumns: z.array(z.string()).describe('Columns that say nothing to Tollgate'),
            absentColumns: z
              .array(z.string())
              .describe('Columns that the file lacks; it says less'),
          }),
        },
      },
    },
    async (request, reply) => {
      const { query, actor } = request;
      const account = await accountAsked(context, query.account);
      if (uploads >= UPLOADS_MAX)
        throw conflict(
          `${UPLOADS_MAX} files are being imported now.`,
          'view',
          `may have ${UPLOADS_MAX} uploads at a time`,
          'send it again when one is done',
        );
      uploads += 1;
      mayTakeLong(request.raw);
      try {
        const asked = {
          account,
          view: query.view,
          name: query.name ?? query.view,
          alsoOf: query.alsoOf ?? null,
          rowsExpected: query.rows === undefined ? null : Number(query.rows),
          askedBy: actor.id,
          now: context.clock.now(),
        };
        const outcome = await takeFile({ context, files, actor, asked }, request.raw, query.sha256);
        if (outcome.kind === 'refused') throw refused(asked.name, outcome);
        return await reply.code(202).send({
          request: toJson(outcome.request),
          leftOutRows: outcome.leftOut,
          waitingFigures: outcome.waiting,
          unreadColumns: outcome.unread.slice(0, 200),
          absentColumns: [...outcome.absent],
        });
      } finally {
        uploads -= 1;
      }
    },
  );
}

interface Upload {
  readonly context: ApiContext;
  readonly files: UsageFilesApi;
  readonly actor: Actor;
  readonly asked: Omit<FileImport, 'sha256'>;
}

/** Spools the body, imports it, and leaves nothing behind. */
async function takeFile(
  { context, files, actor, asked }: Upload,
  body: Readable,
  sha256: string | undefined,
): Promise<FileImported> {
  const spool = path.join(files.spoolDir, files.newName());
  try {
    const sent = await spoolBody(body, spool);
    if (sha256 !== undefined && sha256 !== sent)
      throw badField(
        'sha256',
        'must be that of the bytes sent',
        'send the file again: it came cut off or changed',
      );
    const file = await files.open(spool);
    try {
      const { account, view, name } = asked;
      return await importFile(context.db, file, { ...asked, sha256: sent }, async (tx, request) => {
        await appendAudit(tx, {
          actor,
          action: 'usage.file',
          subject: `account/${account}`,
          reason: null,
          before: null,
          after: { view, name, sha256: sent, rows: request.file?.rows ?? 0 },
          at: asked.now,
        });
      });
    } finally {
      await file.close();
    }
  } catch (thrown) {
    if (!(thrown instanceof UsageFileError)) throw thrown;
    return { kind: 'refused', row: thrown.row, why: thrown.message };
  } finally {
    await rm(spool, { force: true });
  }
}

/** Nothing for that long: whoever sent it is gone, and another upload waits for the place. */
const SILENCE_MAX_MS = 60_000;

/** Writes the body to `spool`, readable by its owner only, and returns its SHA-256. */
async function spoolBody(body: Readable, spool: string): Promise<string> {
  const hash = createHash('sha256');
  let bytes = 0;
  const silence = setTimeout(() => body.destroy(), SILENCE_MAX_MS).unref();
  await pipeline(
    body,
    async function* capped(pieces: AsyncIterable<Buffer>) {
      for await (const piece of pieces) {
        bytes += piece.length;
        silence.refresh();
        if (bytes > UPLOAD_BYTES_MAX)
          throw badField(
            'body',
            `must have at most ${UPLOAD_BYTES_MAX} bytes`,
            'send it in gzip, or in parts by their days',
          );
        hash.update(piece);
        yield piece;
      }
    },
    createWriteStream(spool, { mode: 0o600, flags: 'wx' }),
  ).finally(() => clearTimeout(silence));
  return hash.digest('hex');
}

function refused(
  name: string,
  { row, why }: Extract<FileImported, { readonly kind: 'refused' }>,
): ProblemError {
  const place = row === null ? name : `${name}, row ${row}`;
  return new ProblemError({
    status: 422,
    title: 'File refused',
    detail: `${place}: ${why.replace(/\.$/, '')}. Nothing of the file was imported.`,
    errors: [
      {
        field: 'body',
        rule: 'must be an export of the view, whole, with its columns',
        wayOut: 'export it anew; docs/attribution.md has the columns',
      },
    ],
  });
}
