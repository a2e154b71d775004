/** `GET /results/…`: pages of large results, as a cloud's storage hands them out. */
import type { PageReader } from '../results/documents.js';
import type { ResultLinks } from '../results/links.js';
import type { Statements } from '../statement/statements.js';
import type { BytesAnswer } from './answer.js';

export interface PageParts {
  readonly links: ResultLinks;
  readonly pages: PageReader;
}

export interface PageWorld extends PageParts {
  readonly statements: Statements;
}

/**
 * A page of a result: gzip of Arrow, or of JSON rows without outer brackets. Its content type must not be JSON, or Node's
 * driver parses it and asks for ever; its encoding must be named, or the same driver waits for ever. 403 for an
 * address that is not ours or has expired, upon which Node asks for the result anew; 404 when the result is not kept
 * any more; 503 when too many ask.
 */
export async function resultPage(world: PageWorld, url: URL): Promise<BytesAnswer> {
  const name = world.links.read(url.pathname, url.searchParams);
  if (name === undefined) return refused(403, 'This address is not valid, or not any more.');
  const outcome = world.statements.findAny(name.queryId)?.settled?.outcome;
  const page = outcome?.kind === 'rows' ? outcome.stored?.pages[name.index] : undefined;
  if (outcome?.kind !== 'rows' || page === undefined) return gone();
  const bytes = await world.pages.read(outcome, page, name.format);
  if (bytes === 'gone') return gone();
  if (bytes === 'busy') return refused(503, 'Too many pages are asked for at once.');
  return {
    status: 200,
    bytes,
    headers: { 'content-type': 'application/octet-stream', 'content-encoding': 'gzip' },
  };
}

function gone(): BytesAnswer {
  return refused(404, 'This result is not kept any more.');
}

function refused(status: number, why: string): BytesAnswer {
  return { status, bytes: Buffer.from(why), headers: { 'content-type': 'text/plain' } };
}
