/**
 * Secrets that Tollgate issues for the terminated sign-in: how they look and what is kept of them. Both kinds begin
 * with a prefix of ours, so that one that is presented at the wrong door is known for what it is and never sent on.
 */
import { createHash, scrypt, timingSafeEqual } from 'node:crypto';

const TOKEN = /^tgp_([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})_[A-Za-z0-9_-]{43}$/;
const PREFIXED = /^(?:tgp|tgpw)_/;
/** Longest text that is looked at as a secret: hashing a longer one would only cost time. */
const SECRET_LENGTH_MAX = 256;
const TOKEN_BYTES = 32;
const PASSWORD_BYTES = 24;

/** `tgp_<credential id>_<256 random bits>`. */
export function newTokenSecret(id: string, randomBytes: (size: number) => Buffer): string {
  return `tgp_${id}_${randomBytes(TOKEN_BYTES).toString('base64url')}`;
}

/** `tgpw_<192 random bits>`. */
export function newPasswordSecret(randomBytes: (size: number) => Buffer): string {
  return `tgpw_${randomBytes(PASSWORD_BYTES).toString('base64url')}`;
}

/** Whether a text begins as our secrets do, well formed or not. */
export function looksIssued(text: string): boolean {
  return PREFIXED.test(text);
}

/** Whether a text begins as our tokens do. */
export function looksLikeToken(text: string): boolean {
  return text.startsWith('tgp_');
}

/** The credential id inside a token; undefined for any other text. Proves nothing. */
export function credentialIdOf(token: string): string | undefined {
  return TOKEN.exec(token)?.[1];
}

/** What is kept of a token: it is random, so a slow hash would add nothing. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** Whether `token` is the one of `hash`, in constant time. */
export function isToken(token: string, hash: string): boolean {
  const wanted = Buffer.from(hash, 'hex');
  const given = Buffer.from(hashToken(token), 'hex');
  return wanted.length === given.length && timingSafeEqual(wanted, given);
}

interface ScryptParameters {
  readonly logCost: number;
  readonly blockSize: number;
  readonly parallel: number;
}

/** 16 MiB and some 40 ms each; the passwords are random, so that this is a second wall. */
const SCRYPT: ScryptParameters = { logCost: 14, blockSize: 8, parallel: 1 };
const HASH_BYTES = 32;
/** A hash whose parameters want more is refused as a fault. */
const HASH_MEMORY_MAX = 256 * 1024 * 1024;
const SALT_BYTES = 16;
const FORM = /^scrypt\$(\d{1,2})\$(\d{1,2})\$(\d{1,2})\$([A-Za-z0-9_-]{16,})\$([A-Za-z0-9_-]{43})$/;

/** `scrypt$<log2 N>$<r>$<p>$<salt>$<hash>`: the parameters stand in the hash, so that they can rise later (RFC 7914). */
export async function hashPassword(
  password: string,
  randomBytes: (size: number) => Buffer,
): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await derive(password, salt, SCRYPT);
  const { logCost, blockSize, parallel } = SCRYPT;
  return `scrypt$${logCost}$${blockSize}$${parallel}$${salt.toString('base64url')}$${hash.toString('base64url')}`;
}

/**
 * Whether `password` is the one of `stored`, beside the event loop. null: there is none to compare with; takes as
 * long as a wrong password does and is false.
 */
export async function isPassword(password: string, stored: string | null): Promise<boolean> {
  if (password.length > SECRET_LENGTH_MAX) return false;
  const [, logCost, blockSize, parallel, salt = '', hash = ''] = FORM.exec(stored ?? '') ?? [];
  const isKnown = hash !== '';
  const parameters = isKnown
    ? { logCost: Number(logCost), blockSize: Number(blockSize), parallel: Number(parallel) }
    : SCRYPT;
  const given = await derive(password, Buffer.from(salt, 'base64url'), parameters);
  const wanted = Buffer.from(hash, 'base64url');
  return isKnown && timingSafeEqual(given, wanted);
}

function derive(password: string, salt: Buffer, parameters: ScryptParameters): Promise<Buffer> {
  const N = 2 ** parameters.logCost;
  const { blockSize: r, parallel: p } = parameters;
  return new Promise((resolve, reject) => {
    scrypt(password, salt, HASH_BYTES, { N, r, p, maxmem: HASH_MEMORY_MAX }, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });
}
