/**
 * Addresses of result pages. As in Snowflake, whoever holds one may read the page, without a session, until it expires:
 * drivers send no token with these requests. The signature covers everything else of the address.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { ResultFormat } from './format.js';

/** Which page of which statement's result, in which format. */
export interface PageName {
  readonly queryId: string;
  readonly index: number;
  readonly format: ResultFormat;
}

const PATH = /^\/results\/([0-9a-f-]{36})\/(\d{1,6})$/;
/** What a Host header may hold. */
const HOST = /^[\w.-]+(?::\d{1,5})?$|^\[[\da-f:]+\](?::\d{1,5})?$/i;

export class ResultLinks {
  readonly #key: Buffer = randomBytes(32);
  readonly #validMs: number;
  readonly #realNow: () => number;
  readonly #publicUrl: string | undefined;

  /**
   * @param validMs how long an address may be used, in milliseconds of real time.
   * @param publicUrl where clients reach the listener; undefined when that is where their request came to.
   */
  constructor(validMs: number, realNow: () => number, publicUrl: string | undefined) {
    this.#validMs = validMs;
    this.#realNow = realNow;
    this.#publicUrl = publicUrl?.replace(/\/+$/, '');
  }

  /** What addresses begin with for a request that came to `host`, its Host header; undefined if that is none. */
  base(host: string | undefined): string | undefined {
    if (this.#publicUrl !== undefined) return this.#publicUrl;
    return host !== undefined && HOST.test(host) ? `http://${host}` : undefined;
  }

  /** The absolute address of a page. */
  url(base: string, page: PageName): string {
    const expiresAtMs = this.#realNow() + this.#validMs;
    const signature = this.#sign(page, expiresAtMs).toString('base64url');
    return `${base}/results/${page.queryId}/${page.index}?format=${page.format}&expires=${expiresAtMs}&signature=${signature}`;
  }

  /** The page that an address names; undefined when it is not one of ours, was changed or has expired. */
  read(pathname: string, search: URLSearchParams): PageName | undefined {
    const [, queryId, index] = PATH.exec(pathname) ?? [];
    const format = search.get('format');
    if (queryId === undefined || (format !== 'json' && format !== 'arrow')) return undefined;
    const page: PageName = { queryId, index: Number(index), format };
    const expiresAtMs = Number(search.get('expires'));
    const given = Buffer.from(search.get('signature') ?? '', 'base64url');
    const wanted = this.#sign(page, expiresAtMs);
    const isOurs = given.length === wanted.length && timingSafeEqual(given, wanted);
    return isOurs && this.#realNow() < expiresAtMs ? page : undefined;
  }

  #sign({ queryId, index, format }: PageName, expiresAtMs: number): Buffer {
    return createHmac('sha256', this.#key)
      .update(`${queryId}/${index}/${format}/${expiresAtMs}`)
      .digest();
  }
}
