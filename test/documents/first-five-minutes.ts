/**
 * `node dist/test/documents/first-five-minutes.js <file.png>`: the picture of README.md. Starts the system, lets the Python driver
 * send what the picture shows, and renders what was printed; only colours and the prompt are added. Wants Chromium and the
 * Python driver of `npm run test:drivers`.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { must } from '../../base/assert.js';
import { findChromium, openBrowser } from '../console/browser.js';
import { cacheFolder } from '../drivers/places.js';
import { runProgram } from '../drivers/programs.js';
import { startServed, type Served } from '../drivers/served.js';
import { untilPriced } from '../drivers/system.js';
import { runTollgate } from '../support/tollgate-command.js';

const CONNECTOR = 'python-snowflake-connector-python-5.2.0';
const LIMIT_MS = 60_000;
/** A receipt is there within a second of its statement's end. */
const SETTLED_MS = 2_000;
const WIDTH = 1040;

const STEPS: readonly (readonly [title: string, sql: string])[] = [
  ['A full scan is refused before it runs', 'SELECT * FROM WEB.EVENTS'],
  ['The price, before a run', 'EXPLAIN COST SELECT * FROM WEB.EVENTS'],
  [
    'One day fits, and runs',
    "SELECT EVENT_TYPE, COUNT(*) AS N FROM WEB.EVENTS WHERE EVENT_DATE = '2026-06-01' GROUP BY 1 ORDER BY 2 DESC",
  ],
  [
    'Both are on record: refused, and charged',
    'SELECT STATE, STATEMENT, BASIS, ESTIMATED_BYTES, BYTES_SCANNED, AMOUNT FROM TOLLGATE.MY_QUERIES ORDER BY STARTED_AT',
  ],
  [
    'What is left of the budget',
    'SELECT BUDGET, LIMIT_AMOUNT, SPENT_AMOUNT, HELD_CREDITS, AVAILABLE_AMOUNT, CURRENCY FROM TOLLGATE.MY_BUDGET',
  ],
];

/** Prints a JSON document: of each statement columns and rows, or what the driver raised. */
const program = (port: number): string => `
import decimal, json, time, snowflake.connector
steps = json.loads(${JSON.stringify(JSON.stringify(STEPS.map(([, sql]) => sql)))})
connection = snowflake.connector.connect(account="demo", user="marketing_analyst", password="demo", host="127.0.0.1",
    port=${port}, protocol="http", warehouse="STANDARD_WH", database="ANALYTICS", schema="TPCH")
said = []
for sql in steps:
    if "TOLLGATE.MY_QUERIES" in sql: time.sleep(${SETTLED_MS / 1000})
    cursor = connection.cursor()
    try:
        cursor.execute(sql)
        rows = [[None if cell is None else format(cell, "f") if isinstance(cell, decimal.Decimal) else str(cell) for cell in row] for row in cursor.fetchall()]
        said.append({"columns": [column.name for column in cursor.description], "rows": rows})
    except Exception as error:
        said.append({"error": type(error).__module__ + "." + type(error).__name__ + ": " + str(error)})
print(json.dumps(said))
`;

type Said =
  | { readonly error: string }
  | {
      readonly columns: readonly string[];
      readonly rows: readonly (readonly (string | null)[])[];
    };

async function paint(picture: string): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'tollgate-five-minutes-'));
  const served = await startServed(folder, ['proxy', 'admin', 'worker', 'warehouse'], {});
  const browser = await openBrowser(must(findChromium(), 'there is a Chromium'));
  try {
    await untilPriced(served.proxyPort);
    const said = await sessionOf(served, folder);
    const month = new Date().toISOString().slice(0, 7);
    const bill = await runTollgate(served, ['bill', 'marketing', month]);
    const page = path.join(folder, 'page.html');
    writeFileSync(page, htmlOf(said, `node bin/tollgate.js bill marketing ${month}`, bill));
    const { page: tab } = await browser.person();
    await tab.setViewportSize({ width: WIDTH, height: 400 });
    await tab.goto(`file://${page}`);
    await tab.screenshot({ path: picture, fullPage: true });
  } finally {
    await browser.close();
    await served.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function sessionOf({ proxyPort }: Served, folder: string): Promise<readonly Said[]> {
  const command = path.join(cacheFolder(), CONNECTOR, 'venv', 'bin', 'python');
  const script = path.join(folder, 'session.py');
  writeFileSync(script, program(proxyPort));
  const ending = await runProgram(
    { command, args: [script], cwd: folder, environment: {} },
    LIMIT_MS,
  );
  if (ending.kind !== 'ended') throw new Error(`the session is ${ending.kind}`);
  const line = ending.stdout.trim().split('\n').at(-1) ?? '';
  return JSON.parse(line) as readonly Said[];
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function htmlOf(said: readonly Said[], command: string, bill: string): string {
  const steps = STEPS.map(([title, sql], index) => {
    const answer = must(said[index], 'every statement was answered');
    return stepOf(index + 1, title, 'sql&gt;', `${sql};`, answerOf(answer));
  });
  const last = stepOf(
    STEPS.length + 1,
    "The team's bill so far",
    '$',
    command,
    `<pre>${escaped(bill.trimEnd())}</pre>`,
  );
  return `<!doctype html><meta charset="utf-8"><style>${STYLE}</style><main>
<header><b>marketing_analyst</b> @ demo<span>snowflake-connector-python ${CONNECTOR.split('-').at(-1) ?? ''} through Tollgate</span></header>
${[...steps, last].join('\n')}</main>`;
}

function stepOf(no: number, title: string, prompt: string, typed: string, answer: string): string {
  return `<section><h2><i>${no}</i>${escaped(title)}</h2><p><b>${prompt}</b> ${escaped(typed)}</p>${answer}</section>`;
}

function answerOf(said: Said): string {
  if ('error' in said) {
    const [first = '', ...rest] = said.error.split('\n');
    return `<pre><em>${escaped(first)}</em>\n${escaped(rest.join('\n'))}</pre>`;
  }
  const classes = said.columns.map((_, column) => classOf(said.rows.map((row) => row[column])));
  const head = said.columns.map((name, at) => `<th class="${classes[at]}">${escaped(name)}</th>`);
  const rows = said.rows.map((row) => {
    const cells = row.map((cell, at) =>
      cell === null
        ? '<td class="null">NULL</td>'
        : `<td class="${classes[at]}">${escaped(cell)}</td>`,
    );
    return `<tr>${cells.join('')}</tr>`;
  });
  return `<table><tr>${head.join('')}</tr>${rows.join('')}</table>`;
}

/** A column of numbers alone stands on the right. */
function classOf(cells: readonly (string | null | undefined)[]): string {
  const isAmount = cells.every((cell) => cell === null || /^-?\d+(\.\d+)?$/.test(cell ?? ''));
  return isAmount ? 'amount' : '';
}

const STYLE = `
body { margin: 0; padding: 24px; background: #05070d; color: #dfe3ea; font: 13px/1.45 'DejaVu Sans Mono', monospace; }
main { border: 1px solid #1d2638; border-radius: 12px; background: #0a101d; }
header, section { padding: 14px 20px; }
section { border-top: 1px solid #141c2b; }
header span { float: right; color: #8b93a3; }
h2 { margin: 0 0 8px; font-size: 14px; }
i { display: inline-block; width: 20px; margin-right: 8px; border: 1px dotted #5b6475; border-radius: 50%; font: 11px/20px sans-serif; text-align: center; }
p { margin: 0 0 8px; }
p b { color: #7fd8a4; }
pre { margin: 0; font: inherit; white-space: pre-wrap; }
em { color: #f2a5a0; font-style: normal; }
table { border-collapse: collapse; }
th { color: #8b93a3; font-weight: 400; text-align: left; border-bottom: 1px solid #26314a; }
th, td { padding: 1px 14px 1px 0; vertical-align: top; }
td:first-child { white-space: nowrap; }
.amount { text-align: right; }
td.amount { color: #f0c05a; }
.null { color: #6f7889; }`;

const file = process.argv[2];
if (file === undefined) throw new Error('name the file: first-five-minutes.js <file.png>');
await paint(path.resolve(file));
