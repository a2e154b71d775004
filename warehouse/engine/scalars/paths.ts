/** Elements of a VARIANT by key, position and path ("GET", "GET_PATH"). */
import { LRUCache } from 'lru-cache';
import { failure, StatementFailed } from '../failures.js';
import { text, type Scalar } from './scalar.js';
import { sliceAt } from './slice.js';
import { isArray, isObject, toStored, type Variant } from './variant.js';
import { stored, variant } from './variants.js';

type Step = string | number;

const UNDEFINED = toStored(undefined);

/** Keys and positions of a path such as `a.b[0]."C d"['e']`; undefined when it is none. */
export function pathSteps(path: string): readonly Step[] | undefined {
  const steps: Step[] = [];
  let rest = path;
  let isFirst = true;
  while (rest !== '') {
    const found =
      /^\[(\d+)\]/.exec(rest) ??
      /^\['((?:[^'\\]|\\.)*)'\]/.exec(rest) ??
      /^\["((?:[^"\\]|\\.)*)"\]/.exec(rest) ??
      (isFirst ? /^([A-Za-z_][\w$]*)/ : /^[.:]([A-Za-z_][\w$]*)/).exec(rest) ??
      (isFirst ? /^"((?:[^"]|"")*)"/ : /^[.:]"((?:[^"]|"")*)"/).exec(rest);
    if (found === null) return undefined;
    const [whole, inner = ''] = found;
    if (/^\[\d/.test(whole)) steps.push(Number(inner));
    else
      steps.push(
        whole.startsWith('[') ? inner.replaceAll(/\\(.)/g, '$1') : inner.replaceAll('""', '"'),
      );
    rest = rest.slice(whole.length);
    isFirst = false;
  }
  return steps;
}

const STEPS = new LRUCache<string, readonly Step[]>({ max: 1000 });

/** Steps of a path that a statement states. Fails with 100075 for what is no path. */
export function pathStart(path: string): readonly Step[] {
  const known = STEPS.get(path);
  if (known !== undefined) return known;
  const steps = pathSteps(path);
  if (steps === undefined)
    throw new StatementFailed(failure('100075', '22000', `Invalid extraction path '${path}'`));
  STEPS.set(path, steps);
  return steps;
}

/** One step: NULL where there is nothing of that name or at that place. */
export function stepInto(value: Variant, step: Step, isCaseKept = true): Variant {
  if (typeof step === 'number') return isArray(value) ? value[step] : undefined;
  if (!isObject(value)) return undefined;
  if (isCaseKept) return value.get(step);
  for (const [key, inner] of value) if (key.toLowerCase() === step.toLowerCase()) return inner;
  return undefined;
}

export const PATHS: readonly Scalar[] = [
  {
    name: 'tg_get_path',
    parameters: ['value', 'text'],
    returns: 'variant',
    evaluate: ([value, path]) => {
      const found = sliceAt(text(value), pathStart(text(path)));
      return found === undefined || found === UNDEFINED ? null : found;
    },
  },
  {
    // The third argument is DuckDB's type of the second.
    name: 'tg_get_of',
    parameters: ['value', 'text', 'text'],
    returns: 'variant',
    evaluate: ([value, key, type]) => {
      const known = variant(value);
      if (text(type) === 'VARCHAR') return stored(stepInto(known, text(key)));
      const position = Number(text(key));
      return stored(Number.isInteger(position) ? stepInto(known, position) : undefined);
    },
  },
  {
    name: 'tg_get_ignore_case',
    parameters: ['value', 'text'],
    returns: 'variant',
    evaluate: ([value, key]) => stored(stepInto(variant(value), text(key), false)),
  },
];
