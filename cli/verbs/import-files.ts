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

/**
 * The files to send. `given` is one file, of `view` or of the view that its name begins with, or a folder of such files
 * (`query_history.csv`, `QUERY_HISTORY_0_1_0.csv.gz`). What an hour is allocated from comes before the hour.
 * @throws VerbError (usage) when a file tells no view.
 */
export function exportsOf(given: string, view: string | undefined): readonly ExportOfView[] {
  const isFolder = statOf(given).isDirectory();
  if (isFolder && view !== undefined)
    throw new VerbError(
      '--view is for a single file; files of a folder are named by their views.',
      2,
    );
  const names = isFolder
    ? readdirSync(given)
        .filter((name) => ENDING.test(name))
        .sort()
    : [path.basename(given)];
  if (names.length === 0) throw new VerbError(`${given} has no .csv, .csv.gz or .parquet file.`, 2);
  const folder = isFolder ? given : path.dirname(given);
  const found = names.map((name) => ({
    path: path.join(folder, name),
    view: view === undefined ? viewOf(name) : viewNamed(view),
  }));
  return USAGE_VIEWS.flatMap((each) => found.filter((file) => file.view === each));
}

function statOf(given: string): { isDirectory(): boolean } {
  const found = statSync(given, { throwIfNoEntry: false });
  if (found === undefined) throw new VerbError(`${given}: there is no such file or folder.`, 2);
  return found;
}

/** The longest name of a view that the file's begins with: QUERY_HISTORY_0_0_0.csv is no QUERY_METERING_HISTORY. */
function viewOf(name: string): UsageView {
  const upper = name.toUpperCase();
  const view = USAGE_VIEWS.filter((each) => new RegExp(`^${each}(?![A-Z])`).test(upper)).sort(
    (a, b) => b.length - a.length,
  )[0];
  if (view !== undefined) return view;
  throw new VerbError(
    `${name} is not named by a view; name it such as query_history.csv, or say --view. Views: ${USAGE_VIEWS.join(', ')}.`,
    2,
  );
}

function viewNamed(name: string): UsageView {
  const view = USAGE_VIEWS.find((each) => each === name.toUpperCase());
  if (view !== undefined) return view;
  throw new VerbError(`--view must be one of ${USAGE_VIEWS.join(', ')}.`, 2);
}

/** Sends one file and tells what came of it; the id of its import. */
export async function sendFile(
  client: AdminClient,
  terminal: Terminal,
  { path: file, view }: ExportOfView,
  account: string | undefined,
): Promise<string> {
  const name = path.basename(file);
  const query = new URLSearchParams({
    view,
    name,
    sha256: await sha256Of(file),
    ...(account === undefined ? {} : { account }),
  });
  const answer = ANSWER.parse(
    JSON.parse(await client.upload(`/api/v1/usage/files?${query.toString()}`, file)),
  );
  const { request, leftOutRows, waitingFigures, unreadColumns, absentColumns } = answer;
  terminal.print(
    [
      `${name}: ${request.file?.rows ?? 0} rows of ${view}, ${request.rowsWritten ?? 0} of them new or saying something else.`,
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
