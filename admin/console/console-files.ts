/**
 * The built console: read once into memory, served with a strict content policy. Names below `assets/` hold a hash of
 * their content and never change; every other page is `index.html`, which is never kept.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { notFound } from '../problems.js';
import { reportingOf } from './policy-reports.js';

interface ConsoleFile {
  readonly type: string;
  readonly bytes: Buffer;
  readonly zipped: Buffer;
}

export interface ConsoleFiles {
  readonly index: ConsoleFile;
  /** By their name below `assets/`. */
  readonly assets: ReadonlyMap<string, ConsoleFile>;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Nothing inline, nothing from elsewhere; what breaks it is reported. */
const CONTENT_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Paths that are not pages, so that a wrong one is told as such. */
const NO_PAGE = /^\/(?:api|console|assets|metrics|livez|readyz)(?:\/|$)/;

/** What the build left in `folder`; null: it was not built, and there is no console. */
export function readConsoleFiles(folder: string): ConsoleFiles | null {
  const index = path.join(folder, 'index.html');
  const assets = path.join(folder, 'assets');
  if (!existsSync(index) || !existsSync(assets)) return null;
  const served = readdirSync(assets).filter((name) => TYPES[path.extname(name)] !== undefined);
  return {
    index: readFile(index),
    assets: new Map(served.map((name) => [name, readFile(path.join(assets, name))])),
  };
}

function readFile(file: string): ConsoleFile {
  const bytes = readFileSync(file);
  const type = TYPES[path.extname(file)] ?? 'application/octet-stream';
  return { type, bytes, zipped: gzipSync(bytes, { level: 9 }) };
}

/** `GET /` and `GET /assets/{file}`. */
export function addConsoleFiles(
  app: FastifyInstance,
  files: ConsoleFiles,
  isSecure: boolean,
): void {
  app.get('/', { schema: { hide: true } }, (request, reply) =>
    sendPage(request, reply, files, isSecure),
  );
  app.get('/assets/:file', { schema: { hide: true } }, (request, reply) => {
    const { file } = request.params as { readonly file: string };
    const found = files.assets.get(file);
    if (found === undefined)
      throw notFound(
        'There is no such file of the console.',
        'load the page again: it names the files of this version',
        'file',
      );
    return send(
      request,
      reply.header('cache-control', 'public, max-age=31536000, immutable'),
      found,
    );
  });
}

/** Whether the path that nothing answers is a page of the console, such as `/tickets/{id}`. */
export function isConsolePage(request: FastifyRequest): boolean {
  const { method, url, headers } = request;
  return method === 'GET' && !NO_PAGE.test(url) && (headers.accept ?? '').includes('text/html');
}

/** The page that every path of the console shows. */
export function sendPage(
  request: FastifyRequest,
  reply: FastifyReply,
  { index }: ConsoleFiles,
  isSecure: boolean,
): FastifyReply {
  const { directives, endpoints } = reportingOf(isSecure);
  reply.header('content-security-policy', `${CONTENT_POLICY}; ${directives}`);
  if (endpoints !== null) reply.header('reporting-endpoints', endpoints);
  return send(request, reply, index);
}

function send(request: FastifyRequest, reply: FastifyReply, file: ConsoleFile): FastifyReply {
  reply.header('content-type', file.type).header('vary', 'accept-encoding');
  const takesZipped = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
  return takesZipped
    ? reply.header('content-encoding', 'gzip').send(file.zipped)
    : reply.send(file.bytes);
}
