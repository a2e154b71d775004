/** What a case is, and what its check is written with. */
import { ok } from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import type { Side } from './sides.js';

/** JSON that a program reported for a case. */
export type Seen = unknown;

/** A statement to be answered, a statement that must fail, or steps that each program has code for, with what they need. */
export interface Ask {
  readonly kind: 'answer' | 'error' | 'steps';
  readonly text: string;
}

export interface Case {
  /** Key that programs know it by. */
  readonly name: string;
  /** As the table calls it. */
  readonly title: string;
  readonly ask: Ask;
  /** Null: both sides run it; otherwise why a direct connection does not. */
  readonly notDirect: string | null;
  /** Null: every client has it; otherwise the only one that does, and the table has no row for the others. */
  readonly client: string | null;
  /** Only where the credentials are Tollgate's own. */
  readonly onlyIssued: boolean;
  /** Members of what was seen that may be another each time. */
  readonly notCompared: readonly string[];
  /** Null: every side's answer equals the direct one; otherwise why it does not where the credentials are Tollgate's own. */
  readonly differsIssued: string | null;
  /** Throws what is wrong with it. */
  readonly check: (seen: Seen, side: Side) => void;
}

const PLAIN = {
  notDirect: null,
  client: null,
  onlyIssued: false,
  notCompared: [],
  differsIssued: null,
} as const;

export function steps(
  name: string,
  title: string,
  check: Case['check'],
  more: Partial<Case> = {},
): Case {
  return { ...PLAIN, name, title, ask: { kind: 'steps', text: '' }, check, ...more };
}

export function answer(name: string, title: string, text: string, check: Case['check']): Case {
  return { ...PLAIN, name, title, ask: { kind: 'answer', text }, check };
}

export function failing(name: string, title: string, text: string, check: Case['check']): Case {
  return { ...PLAIN, name, title, ask: { kind: 'error', text }, check };
}

export function onlyProxied(notDirect: string, each: Case): Case {
  return { ...each, notDirect };
}

export function match(text: string, pattern: RegExp): void {
  ok(pattern.test(text), `${JSON.stringify(text)} does not match ${String(pattern)}`);
}

export function same(actual: unknown, expected: unknown): void {
  ok(isDeepStrictEqual(actual, expected), `expected ${JSON.stringify(expected)}`);
}

/** Rows of values shown as `<type> <text>`, without the types, which each language names its own way. */
export function plain(rows: Seen): readonly (readonly (string | null)[])[] {
  return list(rows).map((row) =>
    list(row).map((value) => {
      if (value === null) return null;
      ok(typeof value === 'string', `a shown value was expected, not ${JSON.stringify(value)}`);
      return value.replace(/^\S+ /, '');
    }),
  );
}

export function list(value: Seen): readonly unknown[] {
  ok(Array.isArray(value), `a list was expected, not ${JSON.stringify(value)}`);
  return value as readonly unknown[];
}

export function at(value: Seen, key: string): unknown {
  ok(typeof value === 'object' && value !== null, `an object was expected, not ${String(value)}`);
  return (value as Readonly<Record<string, unknown>>)[key];
}

export const ONE: readonly (readonly string[])[] = [['1']];

/** An error that came at the first request, and after which the session goes on. */
export function checkFailure(seen: Seen, code: string, sqlState: string): void {
  same([at(seen, 'code'), at(seen, 'sqlState')], [code, sqlState]);
  same(plain(at(seen, 'afterwards')), ONE);
  // A command line sends statements of its own before ours.
  const requests = at(seen, 'requests');
  if (requests !== undefined) same(requests, 1);
}
