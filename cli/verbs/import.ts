/** `tollgate import`: asks the worker to import what the account says was used, and waits for it. */
import type { Command } from 'commander';
import { adminClient, type AdminClient } from '../admin-client.js';
import { configuration } from '../configuration.js';
import { readImport, untilImported, type UsageImport } from '../usage-request.js';
import type { Terminal } from '../terminal.js';
import { VerbError } from '../verb-error.js';
import { exportsOf, sendFiles } from './import-files.js';
import { runPrices, type PriceOptions } from './import-prices.js';
import { runUnload } from './import-unload.js';
import { readStatus, runStatus, statusLines } from './import-status.js';

interface ImportOptions extends PriceOptions {
  readonly prices?: boolean;
  readonly status?: boolean;
  readonly account?: string;
  readonly from?: string;
  readonly file?: string;
  readonly view?: string;
  readonly rows?: string;
  readonly alsoOf?: string;
  readonly unloadSql?: boolean;
  readonly wait: boolean;
  readonly json?: boolean;
}

export function registerImport(
  program: Command,
  terminal: Terminal,
  finish: (exitCode: number) => void,
): void {
  program
    .command('import')
    .description("import the account's usage now, beside the schedule of the worker")
    .option('--account <id>', 'of several accounts')
    .option('--from <instant>', 'read everything from then on again, such as 2026-10-01')
    .option(
      '--file <path>',
      'import a file exported of a view (CSV, gzip, Parquet), or a folder of files named by their views',
    )
    .option('--view <name>', 'view of --file, such as QUERY_HISTORY; otherwise the name tells')
    .option('--rows <count>', 'rows that --file must have, as its unload said; else it is refused')
    .option(
      '--unload-sql',
      'print the statements that unload the views where you may not read them',
    )
    .option('--status', 'print how far each view is imported instead, and what waits')
    .option('--prices', 'print what credits cost instead, and which prices are held')
    .option('--at <instant>', 'of --prices: when; absent: now')
    .option('--accept <price>', 'of --prices: accept a held price, named as the list does')
    .option('--decline <price>', 'of --prices: decline it')
    .option('--reason <text>', 'why')
    .option('--no-wait', 'only ask for it')
    .option('--json', 'print the answer of the API')
    .action(async (options: ImportOptions) => finish(await runImport(terminal, options)));
}

async function runImport(terminal: Terminal, options: ImportOptions): Promise<number> {
  const { account, from, wait } = options;
  if (options.unloadSql === true) return runUnload(terminal, from, Date.now());
  const { config, secrets } = configuration();
  const client = adminClient(config, secrets);
  if (options.status === true) return runStatus(client, terminal, options);
  if (options.prices === true) return runPrices(client, terminal, options);
  for (const name of ['view', 'rows'] as const)
    if (options[name] !== undefined && options.file === undefined)
      throw new VerbError(`--${name} says what --file is of; give both.`, 2);
  const isOfFiles = options.file !== undefined;
  const asked = isOfFiles
    ? await importFiles(client, terminal, options.file, options)
    : await client.call('/api/v1/usage/imports', { account, from });
  const answer = wait ? await untilImported(client, asked) : asked;
  const request = readImport(answer);
  if (options.json === true) terminal.print(answer.trim());
  else if (request.doneAt === null)
    terminal.print(`Import ${request.id} of ${request.account} is asked for.`);
  else if (request.problem !== null)
    terminal.complain(
      `tollgate: usage of ${request.account} could not be imported: ${request.problem}`,
    );
  else if (isOfFiles) terminal.print('What it cost: tollgate cost');
  else await tell(terminal, client, request);
  return request.problem === null ? 0 : 1;
}

/** Sends every file; what the API says of the import of the last. */
async function importFiles(
  client: AdminClient,
  terminal: Terminal,
  given: string,
  { view, account, rows, alsoOf, from, json }: ImportOptions,
): Promise<string> {
  if (from !== undefined) throw new VerbError('--from is for views; a file is imported whole.', 2);
  const quiet: Terminal = json === true ? { ...terminal, print: () => undefined } : terminal;
  const id = await sendFiles(client, quiet, exportsOf(given, view), {
    ...(account === undefined ? {} : { account }),
    ...(rows === undefined ? {} : { rows }),
    ...(alsoOf === undefined ? {} : { alsoOf }),
  });
  return client.call(`/api/v1/usage/imports/${id}`);
}

async function tell(terminal: Terminal, client: AdminClient, request: UsageImport): Promise<void> {
  const lines = statusLines(await readStatus(client), request.account, terminal.columns);
  terminal.print(
    [
      `Imported the usage of ${request.account}: ${request.rowsWritten ?? 0} rows are new or say something else.`,
      '',
      ...(lines.length === 0
        ? [
            `No view of ${request.account} is read yet. \`tollgate doctor\` says what the service user lacks; exports are imported by \`tollgate import --file <folder>\`.`,
          ]
        : lines),
      '',
      'What it cost: tollgate cost',
    ].join('\n'),
  );
}
