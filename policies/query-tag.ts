/**
 * The tag that every statement carries upstream: valid JSON with the flat keys `tg`, `team`, `tier`, `src` first and
 * the user's own tag after them, so that imports find a ticket by its tag and tools that read the user's keys still
 * find them. Snowflake keeps 2,000 characters; ours are never cut, the user's are when they must be.
 */
import { tryParseTicketId, type TicketId } from '#base/ids.js';
import { assert } from '#base/assert.js';
import { withoutClaim } from './claim-tag.js';

/** Longest QUERY_TAG. Source: Snowflake, Parameters, QUERY_TAG. */
export const QUERY_TAG_LENGTH_MAX = 2_000;

export interface TollgateTag {
  readonly ticketId: TicketId;
  readonly team: string;
  readonly tier: string;
  /** Which door the statement came through. */
  readonly src: string;
}

export interface DecodedQueryTag {
  readonly tag: TollgateTag;
  /** The user's own tag; null when there was none. */
  readonly userTag: string | null;
  /** The user's tag did not fit and lost its end. */
  readonly isCut: boolean;
}

const OWN_KEYS = ['tg', 'team', 'tier', 'src'] as const;
const RESERVED_KEYS: ReadonlySet<string> = new Set([...OWN_KEYS, 'tag', 'cut']);

/**
 * The tag to send. A user's tag that is a JSON object keeps its keys on the top level, as written; any other text,
 * and an object with keys of ours, is kept as the string `tag`. A tag that is ours already (a client read it and
 * wrote it back) is unwrapped first, so that wrapping twice is wrapping once. A signed claim stays behind.
 */
export function encodeQueryTag(tag: TollgateTag, userTag: string | null): string {
  const decoded = userTag === null ? undefined : decodeQueryTag(userTag);
  const own = withoutClaim(decoded === undefined ? userTag : decoded.userTag);
  const wasCut = decoded?.isCut ?? false;
  const head = JSON.stringify({
    tg: tag.ticketId,
    team: tag.team,
    tier: tag.tier,
    src: tag.src,
  }).slice(0, -1);
  assert(head.length < QUERY_TAG_LENGTH_MAX - 100, 'our part of a tag is short');
  if (own === null || own === '') return `${head}}`;
  if (!wasCut) {
    const body = bodyOfObject(own);
    const flat = body === undefined ? undefined : `${head},${body}}`;
    if (flat !== undefined && flat.length <= QUERY_TAG_LENGTH_MAX) return flat;
    const whole = `${head},"tag":${JSON.stringify(own)}}`;
    if (whole.length <= QUERY_TAG_LENGTH_MAX) return whole;
  }
  return `${head},"cut":true,"tag":${fitString(own, QUERY_TAG_LENGTH_MAX - head.length - 19)}}`;
}

/** Reads a tag of ours back, also after a client re-serialised it; undefined for any other text. */
export function decodeQueryTag(text: string): DecodedQueryTag | undefined {
  const fields = tryParseObject(text);
  if (fields === undefined) return undefined;
  const { tg, team, tier, src, tag: user } = fields as Partial<Record<string, unknown>>;
  const ticketId = typeof tg === 'string' ? tryParseTicketId(tg) : undefined;
  if (ticketId === undefined) return undefined;
  if (typeof team !== 'string' || typeof tier !== 'string' || typeof src !== 'string')
    return undefined;
  return {
    tag: { ticketId, team, tier, src },
    userTag: typeof user === 'string' ? user : flatUserTag(text, fields),
    isCut: fields['cut'] === true,
  };
}

/** The user's own JSON object out of a tag of ours: as it was written where our head is as we wrote it. */
function flatUserTag(text: string, fields: Readonly<Record<string, unknown>>): string | null {
  const rest = Object.entries(fields).filter(([key]) => !RESERVED_KEYS.has(key));
  if (rest.length === 0) return null;
  const head = JSON.stringify(Object.fromEntries(OWN_KEYS.map((key) => [key, fields[key]])));
  const prefix = `${head.slice(0, -1)},`;
  return text.startsWith(prefix)
    ? `{${text.slice(prefix.length)}`
    : JSON.stringify(Object.fromEntries(rest));
}

/** The inside of a JSON object that shares no key with ours and is not empty; undefined for other text. */
function bodyOfObject(text: string): string | undefined {
  const fields = tryParseObject(text);
  if (fields === undefined) return undefined;
  const keys = Object.keys(fields);
  if (keys.length === 0 || keys.some((key) => RESERVED_KEYS.has(key))) return undefined;
  return text.trim().slice(1, -1);
}

function tryParseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  if (!/^\s*\{/.test(text)) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** The longest beginning of `text` whose JSON string has at most `lengthMax` characters. */
function fitString(text: string, lengthMax: number): string {
  let low = 0;
  let high = Math.min(text.length, lengthMax);
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (JSON.stringify(wholeCharacters(text, middle)).length <= lengthMax) low = middle;
    else high = middle - 1;
  }
  return JSON.stringify(wholeCharacters(text, low));
}

/** The first `length` UTF-16 units, one less where that would part a surrogate pair. */
function wholeCharacters(text: string, length: number): string {
  const last = text.charCodeAt(length - 1);
  const parted = length < text.length && last >= 0xd800 && last <= 0xdbff;
  return text.slice(0, parted ? length - 1 : length);
}
