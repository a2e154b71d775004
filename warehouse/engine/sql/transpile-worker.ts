/**
 * Worker thread that holds the transpiler. Its WebAssembly needs a deep stack once warm and a trap can leave the
 * instance broken, so it lives in a thread that can be thrown away. It answers messages in order.
 */
import { parentPort, type MessagePort } from 'node:worker_threads';
import type * as Sdk from '@polyglot-sql/sdk';
import { prepareWasm } from '#base/wasm.js';

export interface TranspileRequest {
  readonly id: number;
  readonly sql: string;
}

export type TranspileReply =
  | { readonly id: number; readonly kind: 'text'; readonly sql: string }
  | { readonly id: number; readonly kind: 'refused'; readonly at: number }
  | { readonly id: number; readonly kind: 'broken' };

/** Loading takes a while; texts that come meanwhile wait in the port. */
async function serve(port: MessagePort): Promise<void> {
  prepareWasm();
  const { transpile, Dialect } = await import('@polyglot-sql/sdk');
  const toDuck: ToDuck = (sql) => transpile(sql, Dialect.Snowflake, Dialect.DuckDB);
  port.on('message', ({ id, sql }: TranspileRequest) => {
    port.postMessage(answer(toDuck, id, sql));
  });
}

type ToDuck = (sql: string) => ReturnType<typeof Sdk.transpile>;

function answer(toDuck: ToDuck, id: number, sql: string): TranspileReply {
  try {
    const result = toDuck(sql) as {
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

if (parentPort !== null) await serve(parentPort);
