import type { z } from 'zod';
import { RULE_EFFECTS } from './document.js';

/** Keys and indexes from the root of a document to a place in it. */
export type Segments = readonly PropertyKey[];

/** One thing that is wrong with a control document. */
export interface ControlProblem {
  /** Where, e.g. `budgets[3].limitCredits`. */
  readonly path: string;
  /** The same place, in parts. */
  readonly segments: Segments;
  /** What must hold there. */
  readonly rule: string;
  /** What to do about it. */
  readonly wayOut: string;
  /** The key is wrong, not its value. */
  readonly isAboutKey?: true;
}

/** `budgets[3].limitCredits`; `(document)` for the root. */
export function formatPath(segments: Segments): string {
  if (segments.length === 0) return '(document)';
  return segments.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? String(part) : `${text}.${String(part)}`;
  }, '');
}

/** The problem that `rule` does not hold at that place. */
export function problemAt(segments: Segments, rule: string, wayOut: string): ControlProblem {
  return { path: formatPath(segments), segments, rule, wayOut };
}

/** The problem that there should be no such key. */
export function problemOfKey(segments: Segments, rule: string, wayOut: string): ControlProblem {
  return { ...problemAt(segments, rule, wayOut), isAboutKey: true };
}

/**
 * Problems from one issue of the schema check.
 * @param raw the document that was checked: an issue says where, not what stands there.
 */
export function problemsFromIssue(
  issue: z.core.$ZodIssue,
  raw: unknown,
): readonly ControlProblem[] {
  const { path } = issue;
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) =>
      problemOfKey(
        [...path, key],
        'is not a key of the control document',
        'remove it, or correct its spelling',
      ),
    );
  const rule = ruleOf(issue);
  const value = valueAt(raw, path);
  if (value === undefined) return [problemAt(path, 'is missing', `add it: it ${rule}`)];
  return [problemAt(path, rule, wayOutOf(issue, value))];
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'a text',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object with keys',
};

function ruleOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type': {
      if (issue.message.startsWith('must')) return issue.message;
      const type = TYPE_NAMES[issue.expected] ?? issue.expected;
      return `must be ${type}`;
    }
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`;
    // The only union is that of rules, told apart by their effect.
    case 'invalid_union':
      return `must be one of ${RULE_EFFECTS.join(', ')}`;
    case 'too_big':
    case 'too_small':
    case 'invalid_format':
    case 'not_multiple_of':
    case 'invalid_key':
    case 'invalid_element':
    case 'unrecognized_keys':
    case 'custom':
      return issue.message;
  }
}

function wayOutOf(issue: z.core.$ZodIssue, value: unknown): string {
  if (value === null) return 'give it a value, or remove it if it is optional';
  if (issue.code === 'invalid_value' || issue.code === 'invalid_union')
    return 'write one of these values';
  if (issue.code !== 'invalid_type') return 'correct the value';
  return issue.expected === 'string' && typeof value !== 'object'
    ? 'put it in quotes'
    : 'change the value';
}

function valueAt(raw: unknown, segments: Segments): unknown {
  return segments.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, key)
        ? (value as Record<PropertyKey, unknown>)[key]
        : undefined,
    raw,
  );
}
