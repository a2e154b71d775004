/** `tollgate bill … --focus <file> --journal <file>`: a month for other programs, written whole or not at all. */
import { createHash, randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import type { Command } from 'commander';
import { toError } from '../../base/errors.js';
import { adminClient } from '../admin-client.js';
import { configuration } from '../configuration.js';
import { queryText } from '../query-text.js';
import type { Terminal } from '../terminal.js';
import { VerbError } from '../verb-error.js';

export interface ExportOptions {
  readonly focus?: string;
  readonly journal?: string;
  readonly focusVersion?: string;
  readonly focusDataset?: string;
  readonly layout?: string;
  readonly reversal?: boolean;
  readonly billVersion?: string;
  readonly json?: boolean;
}

/** Adds the options of this file to the verb. */
export function withExportOptions(command: Command): Command {
  return command
    .option('--focus <file>', 'write FOCUS Cost and Usage there; with --all, of every team')
    .option('--focus-version <version>', 'of the FOCUS specification: 1.4 (default), 1.3 or 1.2')
    .option(
      '--focus-dataset <name>',
      'CostAndUsage (default); with --all also InvoiceDetail or BillingPeriod',
    )
    .option('--journal <file>', 'with --all: write the general journal there')
    .option('--layout <layout>', 'of the journal: netsuite (default) or sap')
    .option('--reversal', 'the journal that takes back what a closed version posted')
    .option('--bill-version <number>', 'a version of a closed month; default: the one in force');
}

/** Whether any file of these is asked for. */
export function hasExports(options: ExportOptions): boolean {
  return options.focus !== undefined || options.journal !== undefined;
}

interface Written {
  readonly file: string;
  readonly lines: number;
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * Writes what is asked for, of one team or (`team` undefined) of all, and prints lines, size and hash of each file.
 * @throws VerbError where options do not fit together, the API refuses, or a file cannot be written.
 */
export async function saveExports(
  terminal: Terminal,
  month: string,
  team: string | undefined,
  options: ExportOptions,
): Promise<void> {
  if (options.journal !== undefined && team !== undefined)
    throw new VerbError(
      'A journal is balanced over every team: write --all and the month for it.',
      2,
    );
  const written: Written[] = [];
  const { focus, focusVersion, focusDataset, journal, layout, billVersion } = options;
  if (focus !== undefined)
    written.push(
      await save(focus, `/api/v1/exports/${month}/focus.csv`, {
        version: focusVersion,
        dataset: focusDataset,
        team,
        billVersion,
      }),
    );
  if (journal !== undefined)
    written.push(
      await save(journal, `/api/v1/exports/${month}/journal.csv`, {
        layout,
        reversal: options.reversal === true ? 'true' : undefined,
        billVersion,
      }),
    );
  terminal.print(
    options.json === true
      ? JSON.stringify({ month, files: written })
      : written
          .map(
            ({ file, lines, bytes, sha256 }) =>
              `${file}: ${lines} lines, ${bytes} bytes, SHA-256 ${sha256}`,
          )
          .join('\n'),
  );
}

/** Line by line, as a month may have some hundred megabytes; under another name until it is whole. */
async function save(
  file: string,
  path: string,
  query: Readonly<Record<string, string | undefined>>,
): Promise<Written> {
  const { config, secrets } = configuration();
  const lines = adminClient(config, secrets).lines(`${path}${queryText(query)}`);
  const unfinished = `${file}.${randomUUID()}.part`;
  try {
    const written = await writeLines(lines, unfinished);
    await rename(unfinished, file);
    return { file, ...written };
  } catch (thrown) {
    await rm(unfinished, { force: true });
    if (thrown instanceof VerbError) throw thrown;
    throw new VerbError(`${file} cannot be written: ${toError(thrown).message}.`);
  }
}

async function writeLines(
  lines: AsyncIterable<string>,
  file: string,
): Promise<Omit<Written, 'file'>> {
  const hash = createHash('sha256');
  let [lineCount, bytes] = [0, 0];
  const handle = await open(file, 'wx');
  try {
    for await (const line of lines) {
      const record = Buffer.from(`${line}\n`);
      lineCount += 1;
      bytes += record.length;
      hash.update(record);
      await handle.write(record);
    }
  } finally {
    await handle.close();
  }
  return { lines: lineCount, bytes, sha256: hash.digest('hex') };
}
