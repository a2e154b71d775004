/**
 * Entry of a parser worker thread: loads the parser, warms it, then answers one text at a time with facts. It runs
 * from the build only; the host starts and ends it.
 */
import { parentPort, type MessagePort } from 'node:worker_threads';
import { prepareWasm } from '#base/wasm.js';
import { parseStatement, type Parse } from './parse.js';
import type { ParseRequest, ParserMessage } from './parser-messages.js';
import { WARM_UP_ROUNDS, warmUpStatements } from './warm-up.js';

async function serve(port: MessagePort): Promise<void> {
  prepareWasm();
  const { parse: parseSql, Dialect } = await import('@polyglot-sql/sdk');
  const parse: Parse = (sql) => {
    const { success, ast, error } = parseSql(sql, Dialect.Snowflake);
    return success ? { success, ast } : { success, error };
  };
  for (let round = 0; round < WARM_UP_ROUNDS; round += 1) {
    for (const sql of warmUpStatements(round)) parseStatement(parse, sql);
  }
  port.on('message', (request: ParseRequest) => {
    port.postMessage(answer(parse, request));
  });
  port.postMessage({ kind: 'ready' } satisfies ParserMessage);
}

function answer(parse: Parse, request: ParseRequest): ParserMessage {
  try {
    const outcome = JSON.stringify(parseStatement(parse, request.sql));
    return { kind: 'answer', id: request.id, outcome };
  } catch (thrown) {
    return { kind: 'broken', id: request.id, why: String(thrown) };
  }
}

if (parentPort !== null) await serve(parentPort);
