/**
 * `tollgate explain --facts-only`: what analysis knows of statements in a file, one JSON line each, in the order of
 * the file, read and written as a stream. Needs no running Tollgate.
 */
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { z } from 'zod';
import { toError } from '../../base/errors.js';
import { createAnalyser } from '../../policies/sql/analyser.js';
import { factsReport } from '../../policies/sql/facts-report.js';
import type { Analyser, Catalogue } from '../../policies/sql/facts.js';
import type { Terminal } from '../terminal.js';
import { VerbError } from '../verb-error.js';

interface ExplainOptions {
  readonly file: string;
}

/** Lines analysed at once; the parser has workers to keep busy. */
const IN_FLIGHT_MAX = 16;

const LINE = z.object({
  id: z.union([z.string(), z.number()]).transform(String),
  sql: z.string(),
  database: z.string().nullish(),
  schema: z.string().nullish(),
});

/** Columns are known from the text alone. */
const NO_CATALOGUE: Catalogue = { version: 'none', columnsOf: () => undefined };

export function registerExplain(
  program: Command,
  terminal: Terminal,
  finish: (exitCode: number) => void,
): void {
  program
    .command('explain')
    .description('what is known of statements before they run')
    .requiredOption('--facts-only', 'print tables, columns, filters and class, as JSON lines')
    .requiredOption(
      '--file <path>',
      'JSON lines {"id","sql","database","schema"}; - reads standard input',
    )
    .option('--json', 'the only form there is')
    .action(async ({ file }: ExplainOptions) => {
      const analyser = createAnalyser();
      try {
        const lines = await linesOf(file);
        finish((await explainLines(lines, analyser, terminal)) === 0 ? 0 : 1);
      } finally {
        await analyser.stop();
      }
    });
}

async function linesOf(file: string): Promise<AsyncIterable<string>> {
  if (file === '-') return createInterface({ input: process.stdin, crlfDelay: Infinity });
  try {
    const handle = await open(file);
    return handle.readLines();
  } catch (thrown) {
    throw new VerbError(`${file} cannot be read (${toError(thrown).message}).`, 2);
  }
}

/**
 * Prints a report for every line. A line that is not as it should be is complained about with its number and left
 * out. Returns how many there were.
 */
export async function explainLines(
  lines: AsyncIterable<string>,
  analyser: Analyser,
  terminal: Terminal,
): Promise<number> {
  const waiting: Promise<string>[] = [];
  const printFirst = async (): Promise<void> => {
    const first = await waiting.shift();
    if (first !== undefined) terminal.print(first);
  };
  let number = 0;
  let bad = 0;
  for await (const text of lines) {
    number += 1;
    if (text.trim() === '') continue;
    const line = readLine(text);
    if (line === undefined) {
      bad += 1;
      terminal.complain(
        `tollgate: line ${number} is not {"id","sql","database","schema"}; left out`,
      );
      continue;
    }
    waiting.push(reportOf(line, analyser));
    if (waiting.length >= IN_FLIGHT_MAX) await printFirst();
  }
  while (waiting.length > 0) await printFirst();
  return bad;
}

async function reportOf(line: z.infer<typeof LINE>, analyser: Analyser): Promise<string> {
  const context = { database: line.database ?? null, schema: line.schema ?? null };
  return JSON.stringify(
    factsReport(line.id, await analyser.analyse(line.sql, context, NO_CATALOGUE)),
  );
}

function readLine(text: string): z.infer<typeof LINE> | undefined {
  try {
    return LINE.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
