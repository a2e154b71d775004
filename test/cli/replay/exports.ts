/** Exports as tests write them, and all rows of one. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { readExport } from '../../../cli/replay/export/read-export.js';
import type { Intake } from '../../../cli/replay/history-source.js';
import type { ReplayRow } from '../../../cli/replay/row.js';

export interface TestFolder {
  readonly path: string;
  /** Writes a file and returns its path. */
  write(name: string, content: string | Uint8Array): string;
  remove(): void;
}

export function createTestFolder(): TestFolder {
  const folder = mkdtempSync(path.join(tmpdir(), 'tollgate-test-'));
  return {
    path: folder,
    write(name, content) {
      const file = path.join(folder, name);
      writeFileSync(file, content);
      return file;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export interface ReadRows {
  readonly rows: readonly ReplayRow[];
  readonly intake: Intake;
  readonly complaints: readonly string[];
}

export async function readAll(...paths: readonly string[]): Promise<ReadRows> {
  const complaints: string[] = [];
  const source = await readExport(paths, (sentence) => complaints.push(sentence));
  try {
    const rows: ReplayRow[] = [];
    for await (const batch of source.batches()) rows.push(...batch);
    return { rows, intake: source.intake, complaints };
  } finally {
    await source.close();
  }
}

/** Runs SQL in a DuckDB of its own; for files that only DuckDB can write. */
export async function inDuckDb(...statements: readonly string[]): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run(`SET TimeZone = 'UTC'`);
  for (const statement of statements) await connection.run(statement);
  connection.closeSync();
  instance.closeSync();
}
