/**
 * Worker thread that holds the transpiler. Its WebAssembly needs a deep stack once warm and a trap can leave the
 * instance broken, so it lives in a thread that can be thrown away. It answers messages in order.
 */
import { parentPort } from 'node:worker_threads';
import { transpile, type Dialect } from '@polyglot-sql/sdk';

export interface TranspileRequest {
  readonly id: number;
  readonly sql: string;
}

export type TranspileReply =
  | { readonly id: number; readonly kind: 'text'; readonly sql: string }
  | { readonly id: number; readonly kind: 'refused'; readonly at: number }
  | { readonly id: number; readonly kind: 'broken' };

parentPort?.on('message', ({ id, sql }: TranspileRequest) => {
  parentPort?.postMessage(answer(id, sql));
});

function answer(id: number, sql: string): TranspileReply {
  try {
    const result = transpile(sql, 'snowflake' as Dialect, 'duckdb' as Dialect) as {
      readonly success: boolean;
      readonly sql?: readonly string[] | null;
      readonly errorStart?: number;
    };
    const text = result.sql?.[0];
    if (result.success && text !== undefined && result.sql?.length === 1)
      return { id, kind: 'text', sql: text };
    return { id, kind: 'refused', at: result.errorStart ?? -1 };
  } catch {
    return { id, kind: 'broken' };
  }
}
