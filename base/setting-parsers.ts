/** How the text of an option becomes its value: total functions that return the value or the rule that was broken. */
import { isCidr } from './cidr.js';
import { LOG_LEVELS, type LogLevel } from './log.js';
import type { SealKey } from './sealing.js';

export const ROLES = ['proxy', 'admin', 'worker', 'warehouse'] as const;
/** What one process does; all of them by default. */
export type Role = (typeof ROLES)[number];

/** Where statements go: our own warehouse in this process group, or a Snowflake account's origin. */
export type UpstreamSetting =
  { readonly kind: 'embedded' } | { readonly kind: 'origin'; readonly origin: string };

/** A value, or the rule that the text breaks (continues "… is "). */
export type Parsed<T> = { readonly value: T } | { readonly rule: string };

/** A whole number of the range, both ends included. */
export function wholeNumber(from: number, to: number): (text: string) => Parsed<number> {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= from && value <= to) return { value };
    return { rule: `a whole number from ${from} to ${to}` };
  };
}

const BYTES = { '': 1, KIB: 1024, MIB: 1024 ** 2, GIB: 1024 ** 3 } as const;

/** A size in bytes, plain or with KiB, MiB, GiB; both ends included. */
export function bytes(from: number, to: number): (text: string) => Parsed<number> {
  return (text) => {
    const match = /^(\d{1,12})\s*(|KiB|MiB|GiB)$/i.exec(text);
    const unit = (match?.[2] ?? '').toUpperCase() as keyof typeof BYTES;
    const value = match === null ? Number.NaN : Number(match[1]) * BYTES[unit];
    if (value >= from && value <= to) return { value };
    return { rule: `a size from ${from} to ${to} bytes, such as 65536 or 64MiB` };
  };
}

/** Text that fits the expression. */
export function pattern<T>(
  expression: RegExp,
  rule: string,
  convert: (text: string) => T,
): (text: string) => Parsed<T> {
  return (text) => (expression.test(text) ? { value: convert(text) } : { rule });
}

/** Keeps the text. */
export const asIs = (text: string): string => text;

/** Warehouse seconds per real second. */
export function timeScale(text: string): Parsed<number> {
  const value = /^\d{1,2}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  return value >= 1 && value <= 60 ? { value } : { rule: 'a number from 1 to 60' };
}

/** A number from 0 to 1. */
export function latencyScale(text: string): Parsed<number> {
  const value = Number(text);
  return /^\d+(\.\d+)?$/.test(text) && value <= 1 ? { value } : { rule: 'a number from 0 to 1' };
}

/** `embedded`, or an origin with nothing after it. */
export function origin(text: string): Parsed<UpstreamSetting> {
  if (text === 'embedded') return { value: { kind: 'embedded' } };
  const rule = '`embedded` or an http(s) origin without path, query or password';
  if (!URL.canParse(text)) return { rule };
  const url = new URL(text);
  const isHttp = url.protocol === 'http:' || url.protocol === 'https:';
  const isBare =
    url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '';
  if (!isHttp || !isBare) return { rule };
  return { value: { kind: 'origin', origin: url.origin } };
}

/** `true` or `false`. */
export function yesOrNo(text: string): Parsed<boolean> {
  return text === 'true' || text === 'false'
    ? { value: text === 'true' }
    : { rule: 'true or false' };
}

/** A comma list of host names without ports, in lower case; `none` is the empty list. */
export function hostNames(text: string): Parsed<readonly string[]> {
  if (text === 'none') return { value: [] };
  const names = text.split(',').map((name) => name.trim().toLowerCase());
  const isGood = names.every((name) => /^[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63}){0,20}$/.test(name));
  return isGood && names.length <= 100
    ? { value: names }
    : { rule: 'a list of at most 100 host names without port' };
}

/** An address of Postgres; kept as written. */
export function databaseUrl(text: string): Parsed<string> {
  const isPostgres = URL.canParse(text) && /^postgres(ql)?:$/.test(new URL(text).protocol);
  return isPostgres ? { value: text } : { rule: 'a postgres:// or postgresql:// address' };
}

/** A comma list of roles, put in the order of ROLES. */
export function roles(text: string): Parsed<readonly Role[]> {
  const names = text.split(',').map((name) => name.trim());
  const known = ROLES.filter((role) => names.includes(role));
  const isClean = known.length === names.length && names.length > 0;
  return isClean ? { value: known } : { rule: `a list, each once, of ${ROLES.join(', ')}` };
}

/** A log level by name. */
export function logLevel(text: string): Parsed<LogLevel> {
  const value = LOG_LEVELS.find((level) => level === text);
  return value === undefined ? { rule: `one of ${LOG_LEVELS.join(', ')}` } : { value };
}

/** `none`, or a comma list of IPv4 and IPv6 networks with their prefix lengths. */
export function networks(text: string): Parsed<readonly string[]> {
  if (text === 'none') return { value: [] };
  const list = text.split(',').map((each) => each.trim());
  if (list.every(isCidr)) return { value: list };
  return { rule: 'none, or a list of networks such as 10.0.0.0/8,2001:db8::/32' };
}

/** `id:base64,…` with keys of 32 bytes. */
export function sealKeys(text: string): Parsed<readonly SealKey[]> {
  const rule = 'a list of id:base64 pairs, ids unique (a-z, 0-9, -, at most 16), keys of 32 bytes';
  const keys: SealKey[] = [];
  for (const pair of text.split(',')) {
    const match = /^([a-z0-9-]{1,16}):([A-Za-z0-9+/]{43}=)$/.exec(pair.trim());
    const id = match?.[1] ?? '';
    if (match === null || keys.some((key) => key.id === id)) return { rule };
    keys.push({ id, key: Buffer.from(match[2] ?? '', 'base64') });
  }
  return { value: keys };
}
