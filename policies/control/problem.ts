import type { z } from 'zod';

/** One thing that is wrong with a control document. */
export interface ControlProblem {
  /** Where, e.g. `budgets[3].limitCredits`. */
  readonly path: string;
  /** What must hold there. */
  readonly rule: string;
  /** What to do about it. */
  readonly wayOut: string;
}

/** `budgets[3].limitCredits`; `(document)` for the root. */
export function formatPath(path: readonly PropertyKey[]): string {
  if (path.length === 0) return '(document)';
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? String(part) : `${text}.${String(part)}`;
  }, '');
}

/** Problems from one issue of the schema check; a union reports the branch that came closest. */
export function problemFromIssue(issue: z.core.$ZodIssue): readonly ControlProblem[] {
  const path = formatPath(issue.path);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        path: formatPath([...issue.path, key]),
        rule: 'is not a key of the control document',
        wayOut: 'remove it, or correct its spelling',
      }));
    case 'invalid_type':
      return [
        {
          path,
          rule: issue.message.startsWith('must')
            ? issue.message
            : `must be ${article(issue.expected)}`,
          wayOut: issue.input === undefined ? 'add it' : 'change the value to that type',
        },
      ];
    case 'invalid_value':
      return [
        {
          path,
          rule: `must be one of ${issue.values.map(String).join(', ')}`,
          wayOut: 'write one of these values',
        },
      ];
    case 'invalid_union': {
      const branches = issue.errors.filter((branch) => branch.length > 0);
      const closest = branches.at(-1)?.[0];
      const rule = closest === undefined ? 'has none of the allowed forms' : closest.message;
      return [{ path, rule, wayOut: 'write one of the allowed forms' }];
    }
    case 'too_big':
    case 'too_small':
    case 'invalid_format':
    case 'not_multiple_of':
    case 'invalid_key':
    case 'invalid_element':
    case 'custom':
      return [{ path, rule: issue.message, wayOut: 'correct the value' }];
  }
}

function article(expected: string): string {
  return /^[aeio]/.test(expected) ? `an ${expected}` : `a ${expected}`;
}
