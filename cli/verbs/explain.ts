/**
 * `tollgate explain '<sql>' --as <principal>`: what a statement would do, cost and meet. `--facts-only`: what analysis
 * knows of statements in a file, one JSON line each, in the order of the file, read and written as a stream. Needs no
 * running Tollgate.
 */
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { z } from 'zod';
import { createAnalyser } from '../../policies/sql/analyser.js';
import { factsReport } from '../../policies/sql/facts-report.js';
import type { Analyser, Catalogue, NameContext } from '../../policies/sql/facts.js';
import { adminClient } from '../admin-client.js';
import { configuration } from '../configuration.js';
import { explanationJson } from '../explanation/as-json.js';
import { explanationText } from '../explanation/as-text.js';
import { explain, isAllowed } from '../explanation/explain.js';
import type { Question } from '../explanation/question.js';
import { type QuestionOptions, readQuestion } from '../explanation/question.js';
import { type LiveControl, readLiveControl } from '../live-control.js';
import type { Terminal } from '../terminal.js';
import { unreadable } from '../unreadable.js';
import { VerbError } from '../verb-error.js';

interface ExplainOptions extends QuestionOptions {
  readonly factsOnly?: boolean;
  readonly json?: boolean;
}

/** Lines analysed at once; the parser has workers to keep busy. */
const IN_FLIGHT_MAX = 16;

const LINE = z.object({
  id: z.union([z.string(), z.number()]).transform(String),
  sql: z.string(),
  database: z.string().nullish(),
  schema: z.string().nullish(),
});

/** Nobody waits for a parser that does not start. */
const PARSER_WAIT_MS = 30_000;
/**
 * Longest parse of one text. The live path gives up after half a second, for the sake of those who wait behind; here
 * nobody does, and on a busy machine a text that misses it would be opaque here and not where it runs.
 */
const PARSE_DEADLINE_MS = 10_000;
const NO_NAMES: NameContext = { database: null, schema: null };

/** Columns are known from the text alone. */
const NO_CATALOGUE: Catalogue = { version: 'none', columnsOf: () => undefined };

export function registerExplain(
  program: Command,
  terminal: Terminal,
  finish: (exitCode: number) => void,
): void {
  program
    .command('explain')
    .description(
      'what a statement would do, cost and meet; needs no running Tollgate, and may ask one',
    )
    .argument('[sql]', 'the statement, in quotes')
    .option(
      '--as <principal>',
      'who would send it: a principal, or a Snowflake user of the mapping',
    )
    .option('--file <path>', 'a file with the statement; - reads standard input')
    .option(
      '--control <path>',
      "the control document; live: what the running Tollgate decides by, with its budgets; without it, the demo's",
    )
    .option('--statistics <path>', 'JSON with sizes of tables; demo stands for those of the demo')
    .option('--tier <id>', 'the tier it would run in; without it, the default tier')
    .option('--warehouse <name>', 'the warehouse, in place of a tier')
    .option('--account <id>', 'the account, where the document has several')
    .option('--role <name>', 'the Snowflake role in force')
    .option('--client <name>', 'driver or tool, as it names itself')
    .option('--database <name>', 'where names without a database resolve')
    .option('--schema <name>', 'where names without a schema resolve')
    .option('--at <instant>', 'when, in UTC, for rules by time of day; without it, now')
    .option('--facts-only', 'facts of many: --file has lines {"id","sql","database","schema"}')
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(async (sql: string | undefined, options: ExplainOptions) => {
      finish(await run(await readAsked(sql, options), options, terminal));
    });
}

const HELP = `
Examples:
  tollgate explain "select * from analytics.web.events" --as marketing_analyst
  tollgate explain --file report.sql --as marketing_analyst --control control.yaml --json
  tollgate explain "select 1" --as marketing_analyst --control live
A statement that begins with -- stands last, after a -- of its own, or in a file.
Exit codes: 0 allowed, 1 refused, sent elsewhere or to be approved, 2 wrong usage.`;

type Asked =
  | { readonly kind: 'one'; readonly question: Question }
  | { readonly kind: 'lines'; readonly read: () => AsyncIterable<string> };

/** What is asked, read before a parser is started: wrong usage is told at once. */
async function readAsked(sql: string | undefined, options: ExplainOptions): Promise<Asked> {
  if (options.factsOnly !== true)
    return { kind: 'one', question: await readQuestion(sql, options, Date.now(), askLive) };
  if (options.file === undefined || sql !== undefined)
    throw new VerbError('--facts-only reads JSON lines: name their file with --file.', 2);
  return { kind: 'lines', read: await readerOf(options.file) };
}

/** Asks the running Tollgate, by the settings. */
async function askLive(): Promise<LiveControl> {
  const { config, secrets } = configuration();
  return await readLiveControl(adminClient(config, secrets));
}

/** Prints one explanation, or the facts of every line; the exit code. */
async function run(asked: Asked, options: ExplainOptions, terminal: Terminal): Promise<0 | 1> {
  // A spare pays where one of many texts loses the worker; for one text it is a second start for nothing.
  const spareCount = asked.kind === 'lines' ? 1 : 0;
  const analyser = createAnalyser({
    parser: { waitMsMax: PARSER_WAIT_MS, deadlineMs: PARSE_DEADLINE_MS, spareCount },
  });
  try {
    await warmUp(analyser);
    if (asked.kind === 'lines')
      return (await explainLines(asked.read(), analyser, terminal)) === 0 ? 0 : 1;
    const explanation = await explain(asked.question, analyser);
    terminal.print(
      options.json === true
        ? JSON.stringify(explanationJson(explanation))
        : explanationText(explanation, terminal),
    );
    return isAllowed(explanation) ? 0 : 1;
  } finally {
    await analyser.stop();
  }
}

/**
 * Waits for the parser. A text has two seconds of parsing, and a cold parser on a busy machine would use them up: its
 * statements would be opaque here and not where they run.
 */
async function warmUp(analyser: Analyser): Promise<void> {
  await analyser.analyse('SELECT A FROM D.S.T', NO_NAMES, NO_CATALOGUE);
}

/** Lines that come before somebody reads them would be lost, so the reading begins when it is called for. */
async function readerOf(file: string): Promise<() => AsyncIterable<string>> {
  if (file === '-') return () => createInterface({ input: process.stdin, crlfDelay: Infinity });
  try {
    const handle = await open(file);
    return () => handle.readLines();
  } catch (thrown) {
    throw unreadable(file, thrown);
  }
}

/**
 * Prints a report for every line. A line that is not as it should be is complained about with its number and left
 * out. Returns how many there were.
 */
async function explainLines(
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
