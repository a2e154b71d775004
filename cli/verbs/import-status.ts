/** How far the usage of accounts is imported, in words: views, files given in their place, and figures that wait. */
import { z } from 'zod';
import type { AdminClient } from '../admin-client.js';
import { table, type Terminal } from '../terminal.js';

export interface ImportStatus {
  readonly views: readonly {
    readonly account: string;
    readonly view: string;
    readonly readTo: string | null;
    readonly problem: string | null;
    readonly wayOut: string | null;
    readonly file: {
      readonly name: string;
      readonly rows: number;
      readonly givenAt: string;
    } | null;
  }[];
  readonly waiting: readonly {
    readonly account: string;
    readonly figures: number;
    readonly credits: string;
    readonly firstEndedAt: string | null;
    readonly lastEndedAt: string | null;
    readonly wayOut: string;
  }[];
}

const STATUS: z.ZodType<ImportStatus> = z.object({
  views: z.array(
    z.object({
      account: z.string(),
      view: z.string(),
      readTo: z.string().nullable(),
      problem: z.string().nullable(),
      wayOut: z.string().nullable(),
      file: z.object({ name: z.string(), rows: z.number(), givenAt: z.string() }).nullable(),
    }),
  ),
  waiting: z.array(
    z.object({
      account: z.string(),
      figures: z.number(),
      credits: z.string(),
      firstEndedAt: z.string().nullable(),
      lastEndedAt: z.string().nullable(),
      wayOut: z.string(),
    }),
  ),
});

const PATH = '/api/v1/usage/imports';

/** Throws like {@link AdminClient.call}. */
export async function readStatus(client: AdminClient): Promise<ImportStatus> {
  return STATUS.parse(JSON.parse(await client.call(PATH)));
}

/** `tollgate import --status`: of every account, or of one. @returns the exit code: 1 where a view cannot be read. */
export async function runStatus(
  client: AdminClient,
  terminal: Terminal,
  { account, json }: { readonly account?: string; readonly json?: boolean },
): Promise<number> {
  if (json === true) {
    terminal.print((await client.call(PATH)).trim());
    return 0;
  }
  const status = await readStatus(client);
  const accounts = [...new Set([...status.views, ...status.waiting].map((each) => each.account))];
  const asked = accounts.filter((each) => account === undefined || each === account);
  if (asked.length === 0) terminal.print('Nothing is imported yet.');
  for (const [index, each] of asked.entries())
    terminal.print(
      [...(index === 0 ? [] : ['']), each, ...statusLines(status, each, terminal.columns)].join(
        '\n',
      ),
    );
  return status.views.some(({ account: of, problem }) => problem !== null && asked.includes(of))
    ? 1
    : 0;
}

/** What is known of one account; empty where nothing is. */
export function statusLines(
  status: ImportStatus,
  account: string,
  columns: number,
): readonly string[] {
  const own = status.views.filter((each) => each.account === account);
  const rows = own
    .filter(({ readTo, file }) => readTo !== null || file !== null)
    .map(({ view, readTo, file }) => [
      view,
      readTo ?? 'never',
      file === null ? '' : `${file.name}, ${file.rows} rows, ${file.givenAt}`,
    ]);
  const hasFiles = own.some(({ file }) => file !== null);
  const names = ['view', 'read to', ...(hasFiles ? ['last file'] : [])];
  const shown = rows.map((row) => row.slice(0, names.length));
  return [
    ...(shown.length === 0 ? [] : [table(names, shown, columns)]),
    ...own.flatMap(({ view, problem, wayOut }) =>
      problem === null ? [] : ['', `${view} is not read: ${problem}`, `  ${wayOut ?? ''}`],
    ),
    ...waitingLines(status, account),
  ];
}

/** Figures that wait, with the way out; empty where none do. */
function waitingLines(status: ImportStatus, account: string): readonly string[] {
  return status.waiting
    .filter((each) => each.account === account)
    .flatMap(({ figures, credits, firstEndedAt, lastEndedAt, wayOut }) => [
      '',
      `${figures} figures of Snowflake's own, ${credits} credits, wait for statements that are not imported${
        firstEndedAt === null || lastEndedAt === null
          ? ''
          : ` (ended ${firstEndedAt} to ${lastEndedAt})`
      }.`,
      `  ${wayOut}`,
    ]);
}
