/** The rows of FLATTEN ("FLATTEN"). SEQ numbers the input, which only the statement around it knows. */
import { DuckDBListValue, DuckDBStructValue, type DuckDBValue } from '@duckdb/node-api';
import { text, textOrNull, type Scalar } from './scalar.js';
import { pathStart, stepInto } from './paths.js';
import { isArray, isObject, sortedEntries, type Variant } from './variant.js';
import { stored, variant } from './variants.js';

interface Row {
  readonly key: string | null;
  readonly path: string;
  readonly index: bigint | null;
  readonly value: Variant;
  readonly of: Variant;
}

interface Options {
  readonly isRecursive: boolean;
  readonly takesArrays: boolean;
  readonly takesObjects: boolean;
}

function* expanded(value: Variant, path: string, options: Options): Generator<Row> {
  if (isArray(value) && options.takesArrays) {
    for (const [at, inner] of value.entries()) {
      const row = { key: null, path: `${path}[${at}]`, index: BigInt(at), value: inner, of: value };
      yield row;
      if (options.isRecursive) yield* expanded(inner, row.path, options);
    }
  } else if (isObject(value) && options.takesObjects) {
    for (const [key, inner] of sortedEntries(value)) {
      const row = { key, path: keyPath(path, key), index: null, value: inner, of: value };
      yield row;
      if (options.isRecursive) yield* expanded(inner, row.path, options);
    }
  }
}

function keyPath(path: string, key: string): string {
  if (!/^[A-Za-z_]\w*$/.test(key)) return `${path}['${key.replaceAll("'", "\\'")}']`;
  return path === '' ? key : `${path}.${key}`;
}

function flattened(args: readonly DuckDBValue[]): readonly Row[] {
  const path = textOrNull(args[1]) ?? '';
  const mode = text(args[4]).toUpperCase();
  const input = pathStart(path).reduce<Variant>((at, step) => stepInto(at, step), variant(args[0]));
  const rows = [
    ...expanded(input, path, {
      isRecursive: args[3] === true,
      takesArrays: mode !== 'OBJECT',
      takesObjects: mode !== 'ARRAY',
    }),
  ];
  if (rows.length > 0 || args[2] !== true) return rows;
  return [{ key: null, path, index: null, value: undefined, of: input }];
}

export const FLATTEN: Scalar = {
  name: 'tg_flatten_rows',
  parameters: ['value', 'text', 'boolean', 'boolean', 'text'],
  returns: 'rows',
  seesNull: true,
  evaluate: (args) =>
    new DuckDBListValue(
      flattened(args).map(
        ({ key, path, index, value, of }) =>
          new DuckDBStructValue({ key, path, index, value: stored(value), of: stored(of) }),
      ),
    ),
};
