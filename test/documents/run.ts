/**
 * `npm run test:documents`: types every command of README and the tutorial, in their order and in one shell each, against a system that
 * `serve` started, and reads what it prints. Python programs run where the tool chain of `npm run test:drivers` is, and
 * are counted as skipped, with what needs them, where it is not. Ends with one line, "N passed, N failed, N skipped".
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { cacheFolder, ROOT } from '../drivers/places.js';
import { runProgram, tail } from '../drivers/programs.js';
import { startServed, type Served } from '../drivers/served.js';
import { untilPriced } from '../drivers/system.js';
import { EXPECTED, expectedOf, type Expected } from './expected.js';
import { scriptOf, stepsOf, type Said, type Step } from './steps.js';

const LIMIT_MS = 240_000;
const CONNECTOR = 'python-snowflake-connector-python-5.2.0';

interface Typed extends Step {
  readonly expected: Expected | undefined;
  /** Null: it cannot be typed here. */
  readonly command: string | null;
}

process.exitCode = await run();

async function run(): Promise<number> {
  const folder = mkdtempSync(path.join(tmpdir(), 'tollgate-documents-'));
  const served = await startServed(folder, ['proxy', 'admin', 'worker', 'warehouse'], {
    TOLLGATE_TIME_SCALE: '30',
    TOLLGATE_METER_INTERVAL_MS: '200',
  });
  const counts = { passed: 0, failed: 0, skipped: 0 };
  try {
    // Its reader is slower than the import of table statistics, which takes some seconds after a start.
    await untilPriced(served.proxyPort);
    const place = checkoutLike(folder, served);
    for (const document of Object.keys(EXPECTED)) await typeOut(document, place, served, counts);
  } finally {
    await served.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  return counts.failed === 0 && counts.passed > 0 ? 0 : 1;
}

/** A folder that a reader's commands find as they find a checkout. */
function checkoutLike(folder: string, served: Served): string {
  const place = path.join(folder, 'tollgate');
  mkdirSync(place);
  for (const name of ['bin', 'tollgate.example.yaml'])
    symlinkSync(path.join(ROOT, name), path.join(place, name));
  symlinkSync(served.dataDir, path.join(place, '.tollgate'));
  return place;
}

async function typeOut(
  document: string,
  place: string,
  served: Served,
  counts: { passed: number; failed: number; skipped: number },
): Promise<void> {
  const text = readFileSync(path.join(ROOT, document), 'utf8');
  const steps = stepsOf(document, text).map((step, index) =>
    typed(document, step, index, place, served),
  );
  const script = scriptOf(steps.map(({ command }) => command ?? 'true'));
  const inherited = Object.fromEntries(
    Object.keys(process.env)
      .filter((name) => name.startsWith('TOLLGATE_'))
      .map((name) => [name, '']),
  );
  const { proxyPort, adminPort, warehousePort } = served;
  const ending = await runProgram(
    {
      command: 'bash',
      args: ['-c', script],
      cwd: place,
      environment: {
        ...inherited,
        TOLLGATE_DATA_DIR: '.tollgate',
        TOLLGATE_PROXY_PORT: String(proxyPort),
        TOLLGATE_ADMIN_PORT: String(adminPort),
        TOLLGATE_WAREHOUSE_PORT: String(warehousePort),
      },
    },
    LIMIT_MS,
  );
  if (ending.kind !== 'ended') console.log(`FAILED ${document}: its shell is ${ending.kind}`);
  const isPythonHere = steps.every(({ command }) => command !== null);
  for (const [index, step] of steps.entries()) {
    const why = troubleOf(step, saidIn(place, index), isPythonHere);
    if (step.command === null || why === undefined) {
      counts[step.command === null ? 'skipped' : 'passed'] += 1;
      const instead = step.expected?.instead;
      console.log(
        `${step.command === null ? 'skipped' : 'ok     '} ${step.where} ${firstLine(step.text)}${instead === undefined ? '' : ` (${instead.why})`}`,
      );
      continue;
    }
    counts.failed += 1;
    console.log(`FAILED  ${step.where} ${firstLine(step.text)}\n        ${why}`);
  }
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}

/** What is typed for a step here: other ports, the months of today, and what stands for it. */
function typed(document: string, step: Step, index: number, place: string, served: Served): Typed {
  const expected = expectedOf(document, step.text);
  if (step.language === 'python') {
    const python = path.join(cacheFolder(), CONNECTOR, 'venv', 'bin', 'python');
    const file = `${path.basename(document)}.${index}.py`;
    writeFileSync(path.join(place, file), step.text.replaceAll('8080', String(served.proxyPort)));
    return { ...step, expected, command: existsSync(python) ? `${python} ${file}` : null };
  }
  return { ...step, expected, command: inTodaysMonths(expected?.instead?.command ?? step.text) };
}

/** The documents were written in November 2026, about October. */
function inTodaysMonths(command: string): string {
  const now = new Date();
  const monthBefore = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1, 1));
  const month = (of: Date): string => of.toISOString().slice(0, 7);
  return command.replace(/2026-1[01]/g, (written) =>
    month(written === '2026-10' ? monthBefore : now),
  );
}

function saidIn(place: string, index: number): Said | undefined {
  try {
    return {
      code: Number(readFileSync(path.join(place, `${index}.code`), 'utf8')),
      text: readFileSync(path.join(place, `${index}.said`), 'utf8'),
    };
  } catch {
    return undefined;
  }
}

/** Why a step is not as its reader expects it; undefined: it is. */
function troubleOf(step: Typed, said: Said | undefined, isPythonHere: boolean): string | undefined {
  const { expected } = step;
  if (expected === undefined) return 'test/documents/expected.ts does not say what it prints';
  if (said === undefined) return 'it was not typed: the shell ended before it';
  const output = `and printed:\n${tail(said.text, 15)}`;
  if (said.code !== (expected.code ?? 0)) return `it ended with ${said.code} ${output}`;
  // What a program of Python asked for is not there where there is no Python.
  const awaited = isPythonHere || expected.needsPython !== true ? expected.says : [];
  const missing = awaited.filter((pattern) => !inTodays(pattern).test(said.text));
  return missing.length === 0 ? undefined : `it does not say ${missing.join(', ')} ${output}`;
}

function inTodays({ source, flags }: RegExp): RegExp {
  return new RegExp(inTodaysMonths(source), flags);
}
