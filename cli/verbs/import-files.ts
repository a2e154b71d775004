/** `tollgate import --file`: sends exports of Snowflake's views to the API, a folder of them in the order that fits. */
import { createHash } from 'node:crypto';
import { createReadStream, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { USAGE_VIEWS } from '../../billing/usage/read-views.js';
import type { UsageView } from '../../billing/usage/read-views.js';
import type { AdminClient } from '../admin-client.js';
import type { Terminal } from '../terminal.js';
import { VerbError } from '../verb-error.js';

export interface ExportOfView {
  readonly path: string;
  readonly view: UsageView;
}

const ENDING = /\.(?:csv|csv\.gz|tsv|txt|parquet)$/i;

const ANSWER = z.object({
  request: z.object({
    id: z.string(),
    rowsWritten: z.number().nullable(),
    file: z.object({ rows: z.number() }).nullable(),
  }),
  leftOutRows: z.number(),
  waitingFigures: z.number(),
  unreadColumns: z.array(z.string()),
  absentColumns: z.array(z.string()),
});

export interface ExportFolder {
  /** In the order to send them: what an hour is allocated from comes before the hour. */
  readonly files: readonly ExportOfView[];
  /** Names of what lies beside them and is not sent. */
  readonly left: readonly string[];
}

/**
 * The files to send. `given` is one file, of `view` or of the view that its name begins with, or a folder of such files
 * (`query_history.csv`, `QUERY_HISTORY_0_1_0.snappy.parquet`) and of folders that are named by a view (`query_history/data_0_0_0.csv.gz`).
 * @throws VerbError (usage) when a file tells no view.
 */
export function exportsOf(given: string, view: string | undefined): ExportFolder {
  if (!statOf(given).isDirectory())
    return {
      files: [
        { path: given, view: view === undefined ? viewOf(path.basename(given)) : viewNamed(view) },
      ],
      left: [],
    };
  if (view !== undefined)
    throw new VerbError(
      '--view is for a single file; files of a folder are named by their views.',
      2,
    );
  const { files, left } = folderOf(given, namedView(path.basename(path.resolve(given))));
  if (files.length === 0) throw new VerbError(`${given} has no .csv, .csv.gz or .parquet file.`, 2);
  return {
    files: USAGE_VIEWS.flatMap((each) => files.filter((file) => file.view === each)),
    left,
  };
}

function folderOf(folder: string, ofView: UsageView | undefined): ExportFolder {
  const files: ExportOfView[] = [];
  const left: string[] = [];
  const entries = readdirSync(folder, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const { name } = entry;
    const inside = entry.isDirectory() ? namedView(name) : undefined;
    if (inside !== undefined) {
      const found = folderOf(path.join(folder, name), inside);
      files.push(...found.files);
      left.push(...found.left.map((each) => `${name}/${each}`));
    } else if (entry.isFile() && ENDING.test(name))
      files.push({ path: path.join(folder, name), view: ofView ?? viewOf(name) });
    else left.push(name);
  }
  return { files, left };
}

function statOf(given: string): { isDirectory(): boolean } {
  const found = statSync(given, { throwIfNoEntry: false });
  if (found === undefined) throw new VerbError(`${given}: there is no such file or folder.`, 2);
  return found;
}

/** The longest name of a view that the file's begins with: QUERY_HISTORY_0_0_0.csv is no QUERY_METERING_HISTORY. */
function namedView(name: string): UsageView | undefined {
  const upper = name.toUpperCase();
  return USAGE_VIEWS.filter((each) => new RegExp(`^${each}(?![A-Z])`).test(upper)).sort(
    (a, b) => b.length - a.length,
  )[0];
}

function viewOf(name: string): UsageView {
  const view = namedView(name);
  if (view !== undefined) return view;
  throw new VerbError(
    `${name} is not named by a view; name it such as query_history.csv, put it into a folder such as query_history, or say --view. Views: ${USAGE_VIEWS.join(', ')}.`,
    2,
  );
}

function viewNamed(name: string): UsageView {
  const view = USAGE_VIEWS.find((each) => each === name.toUpperCase());
  if (view !== undefined) return view;
  throw new VerbError(`--view must be one of ${USAGE_VIEWS.join(', ')}.`, 2);
}

/** Whose the files are, and what else is known of them. */
export interface SentAs {
  readonly account?: string;
  /** Another account that has the same rows by mistake. */
  readonly alsoOf?: string;
  /** Rows that a single file must have. */
  readonly rows?: string;
}

/**
 * Sends files one after the other and tells what came of each; the id of the last import.
 * @throws VerbError for the first that is refused, saying which were imported before it.
 */
export async function sendFiles(
  client: AdminClient,
  terminal: Terminal,
  { files, left }: ExportFolder,
  as: SentAs,
): Promise<string> {
  if (as.rows !== undefined && files.length > 1)
    throw new VerbError('--rows is for a single file.', 2);
  if (left.length > 0)
    terminal.complain(
      `Not sent, as they end in none of .csv, .csv.gz, .tsv, .txt and .parquet: ${left.slice(0, NAMES_SHOWN_MAX).join(', ')}${left.length > NAMES_SHOWN_MAX ? `, and ${left.length - NAMES_SHOWN_MAX} more` : ''}.`,
    );
  let id = '';
  for (const [index, file] of files.entries())
    try {
      id = await sendFile(client, terminal, file, as);
    } catch (thrown) {
      if (!(thrown instanceof VerbError) || files.length === 1) throw thrown;
      const rest = files.slice(index + 1).map((each) => path.basename(each.path));
      throw new VerbError(
        `${thrown.message}\n  ${index} of ${files.length} files were imported before it${rest.length === 0 ? '' : `; not sent: ${rest.slice(0, NAMES_SHOWN_MAX).join(', ')}${rest.length > NAMES_SHOWN_MAX ? ', …' : ''}`}. Send the folder again when it is mended: what is imported already changes nothing.`,
        thrown.exitCode,
        thrown.fields,
      );
    }
  return id;
}

const NAMES_SHOWN_MAX = 10;

async function sendFile(
  client: AdminClient,
  terminal: Terminal,
  { path: file, view }: ExportOfView,
  { account, alsoOf, rows }: SentAs,
): Promise<string> {
  const name = path.basename(file);
  const query = new URLSearchParams({
    view,
    name,
    sha256: await sha256Of(file),
    ...(account === undefined ? {} : { account }),
    ...(alsoOf === undefined ? {} : { alsoOf }),
    ...(rows === undefined ? {} : { rows }),
  });
  const answer = ANSWER.parse(
    JSON.parse(await client.upload(`/api/v1/usage/files?${query.toString()}`, file)),
  );
  const { request, leftOutRows, waitingFigures, unreadColumns, absentColumns } = answer;
  terminal.print(
    [
      `${name}: ${request.file?.rows ?? 0} rows of ${view}, ${request.rowsWritten ?? 0} of them new or saying something else.`,
      ...(request.file?.rows === 0 ? ['  It has names of columns and no rows.'] : []),
      ...(leftOutRows > 0
        ? [`  ${leftOutRows} left out: of other accounts, or of what used no warehouse.`]
        : []),
      ...(waitingFigures > 0
        ? [`  ${waitingFigures} figures wait for statements that are not imported: QUERY_HISTORY.`]
        : []),
      ...(absentColumns.length > 0 ? [`  It lacks ${absentColumns.join(', ')}.`] : []),
      ...(unreadColumns.length > 0 ? [`  Not read: ${unreadColumns.join(', ')}.`] : []),
    ].join('\n'),
  );
  return request.id;
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(file)) hash.update(piece as Uint8Array);
  return hash.digest('hex');
}
