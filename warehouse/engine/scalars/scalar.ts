/** Functions of ours that DuckDB calls for each row: what SQL over its own functions cannot say exactly. */
import {
  ANY,
  BIGINT,
  BOOLEAN,
  DOUBLE,
  DuckDBScalarFunction,
  DuckDBVarCharType,
  LIST,
  STRUCT,
  VARCHAR,
  type DuckDBConnection,
  type DuckDBType,
  type DuckDBValue,
} from '@duckdb/node-api';
import { toError } from '#base/errors.js';
import { StatementFailed } from '../failures.js';

export type ScalarType =
  | 'text'
  | 'variant'
  | 'object'
  | 'array'
  | 'boolean'
  | 'integer'
  | 'double'
  | 'texts'
  | 'rows'
  | 'value'
  | 'any';

const VARIANT = DuckDBVarCharType.create('JSON');

/** VARIANT, OBJECT and ARRAY are texts of JSON in DuckDB, told apart by the alias of their type. */
const TYPES: Readonly<Record<ScalarType, DuckDBType>> = {
  text: VARCHAR,
  variant: VARIANT,
  object: DuckDBVarCharType.create('OBJECT'),
  array: DuckDBVarCharType.create('ARRAY'),
  boolean: BOOLEAN,
  integer: BIGINT,
  double: DOUBLE,
  texts: LIST(VARCHAR),
  /** Rows of FLATTEN. */
  rows: LIST(STRUCT({ key: VARCHAR, path: VARCHAR, index: BIGINT, value: VARIANT, of: VARIANT })),
  // DuckDB converts JSON to VARCHAR by itself, but not the other two.
  value: ANY,
  any: ANY,
};

/** One function. Its arguments are texts, numbers (bigint or double), booleans and lists of texts; NULL is null. */
export interface Scalar {
  /** Private name, `tg_…` in lower case. */
  readonly name: string;
  readonly parameters: readonly ScalarType[];
  /** Type of any number of further arguments. */
  readonly rest?: ScalarType;
  readonly returns: ScalarType;
  /** It is asked even when an argument is NULL; otherwise the answer is NULL then. */
  readonly seesNull?: true;
  /** Answers differ from call to call. */
  readonly isVolatile?: true;
  /** One row. Throws StatementFailed for what Snowflake refuses. `types` are DuckDB's types of the arguments. */
  evaluate(args: readonly DuckDBValue[], types: readonly DuckDBType[]): DuckDBValue;
}

/** Makes `scalars` known to every connection of the database of `connection`. */
export function registerScalars(connection: DuckDBConnection, scalars: readonly Scalar[]): void {
  for (const scalar of scalars) {
    const { rest } = scalar;
    connection.registerScalarFunction(
      DuckDBScalarFunction.create({
        name: scalar.name,
        returnType: TYPES[scalar.returns],
        parameterTypes: scalar.parameters.map((type) => TYPES[type]),
        ...(rest === undefined ? {} : { varArgsType: TYPES[rest] }),
        specialHandling: scalar.seesNull === true,
        volatile: scalar.isVolatile === true,
        mainFunction: (info, chunk, output) => {
          try {
            const vectors = Array.from({ length: chunk.columnCount }, (_, at) =>
              chunk.getColumnVector(at),
            );
            const types = vectors.map(({ type }) => type);
            for (let row = 0; row < chunk.rowCount; row += 1) {
              const args = vectors.map((vector) => vector.getItem(row));
              const isAsked = scalar.seesNull === true || !args.includes(null);
              output.setItem(row, isAsked ? scalar.evaluate(args, types) : null);
            }
            output.flush();
          } catch (thrown) {
            info.setError(errorText(thrown));
          }
        },
      }),
    );
  }
}

/** What duck-errors.ts reads as the failure again. A throw that leaves this callback would end the process. */
function errorText(thrown: unknown): string {
  if (!(thrown instanceof StatementFailed)) return toError(thrown).message;
  const { code, sqlState, message } = thrown.failure;
  return `TGFAIL:${code}:${sqlState}:${message.replaceAll(/\s+/g, ' ')}:TGEND`;
}

/** An argument that the signature says is a text. */
export function text(value: DuckDBValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

/** An argument that may be NULL. */
export function textOrNull(value: DuckDBValue | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

/** An argument that the signature says is a whole number, as a double: positions and counts are small. */
export function integer(value: DuckDBValue | undefined): number {
  return typeof value === 'bigint' || typeof value === 'number' ? Number(value) : 0;
}
