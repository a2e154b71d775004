/**
 * `npm run test:focus [-- --write]`: holds our FOCUS files against the official validator of the FinOps Foundation, which
 * ends with 0 whatever it finds: what counts is its JUnit report, rule by rule, against the reviewed list of
 * `test/fixtures/focus/`. Needs Python 3.12 or newer; exit code 3 and a reason where it is not here, 1 where a rule came
 * out otherwise. `--write` writes what came out; each failure then wants its reason by hand.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { focusCsv } from '#billing/bills/focus/export.js';
import { ROOT, cacheFolder } from '../drivers/places.js';
import { PIP_FLAGS, prepared, step } from '../drivers/prepare.js';
import { runProgram, tail } from '../drivers/programs.js';
import { variedMonth } from '../support/varied-month.js';
import { type Outcome, type Reviewed, differences, readJunit, review } from './outcomes.js';

const SKIPPED = 3;
const LIST = path.join(ROOT, 'test', 'fixtures', 'focus', 'validator-1.2.json');
/** The newest version whose rules come in the package; those of 1.3 it would fetch from a network. */
const VERSION = '1.2';
const VALIDATOR = '2.2.1';
/** What it works with, as its own ranges let it be installed with libraries that refuse each other. */
const REQUIREMENTS = [
  `focus-validator==${VALIDATOR}`,
  'pyarrow==19.0.1',
  'duckdb==1.5.6',
  'pandas==2.3.3',
  'polars==1.44.2',
  'sqlglot==27.29.0',
  'pandera==0.26.1',
];
/** Never compiled here, which would take half an hour. */
const BUILT = ['--only-binary', 'numpy,pandas,pyarrow,duckdb,polars,pydantic-core'];
const LIMIT_MS = 300_000;

/** What Snowflake has, in FOCUS's words; without it rules about it would be asked of columns that cannot be. */
const CRITERIA = [
  'ACCOUNT_NAMING_SUPPORTED',
  'BILLING_BASED_ON_PROVISIONED_RESOURCES_SUPPORTED',
  'MULTIPLE_BILLING_ACCOUNT_TYPES_SUPPORTED',
  'MULTIPLE_PRICING_CATEGORIES_SUPPORTED',
  'MULTIPLE_SUB_ACCOUNT_TYPES_SUPPORTED',
  'NEGOTIATED_PRICING_SUPPORTED',
  'PRICING_BILLING_CURRENCY_DIFFERENCES_SUPPORTED',
  'PUBLIC_PRICE_LIST_SUPPORTED',
  'REGION_SUPPORTED',
  'RESOURCE_TYPE_ASSIGNMENT_SUPPORTED',
  'SUB_ACCOUNT_SUPPORTED',
  'TAGGING_SUPPORTED',
  'UNIT_PRICING_SUPPORTED',
  'USAGE_MEASUREMENT_SUPPORTED',
  'VIRTUAL_CURRENCY_SUPPORTED',
];

const SAMPLES = [
  { currency: 'USD', prepaid: 'some', seed: 1 },
  { currency: 'JPY', prepaid: 'all', seed: 2 },
  { currency: 'KWD', prepaid: 'none', seed: 3 },
] as const;

/** A Python that the validator runs on; null: none is here. */
async function pythonHere(): Promise<string | null> {
  const pyenv = path.join(homedir(), '.pyenv', 'versions');
  // Oldest first: its libraries have no builds for the newest ones.
  const candidates = ['3.12', '3.13', '3.14'].flatMap((version) => [
    `python${version}`,
    ...['0', '1', '2', '3', '4', '5'].map((patch) =>
      path.join(pyenv, `${version}.${patch}`, 'bin', 'python'),
    ),
  ]);
  for (const command of [...candidates, 'python3']) {
    const ending = await runProgram(
      { command, args: ['-c', 'import sys; sys.exit(sys.version_info < (3, 12))'] },
      10_000,
    );
    if (ending.kind === 'ended' && ending.code === 0) return command;
  }
  return null;
}

/** The environment with the validator in it, or why there is none. */
async function validatorHere(python: string): Promise<{ folder: string } | { why: string }> {
  const made = await prepared(
    cacheFolder(),
    `focus-validator-${VALIDATOR}`,
    [python, ...REQUIREMENTS].join('\n'),
    async (folder) => {
      const venv = path.join(folder, 'venv');
      const own = path.join(venv, 'bin', 'python');
      return (
        (await step('python', python, ['-m', 'venv', venv])) ??
        (await step('pip', own, ['-m', 'pip', 'install', ...PIP_FLAGS, ...BUILT, ...REQUIREMENTS]))
      );
    },
    (folder) => ({ command: path.join(folder, 'venv'), args: [] }),
  );
  return made.kind === 'ready'
    ? { folder: made.program.command }
    : { why: `${made.why}\n${made.detail}` };
}

/** What the validator says of one file, rule by rule. */
async function validated(
  venv: string,
  file: string,
  report: string,
): Promise<ReadonlyMap<string, Outcome>> {
  const bin = path.join(venv, 'bin');
  const where = await runProgram(
    {
      command: path.join(bin, 'python'),
      args: [
        '-c',
        'import focus_validator, pathlib; print(pathlib.Path(focus_validator.__file__).parents[1])',
      ],
    },
    60_000,
  );
  if (where.kind !== 'ended') throw new Error('the validator does not start');
  const ending = await runProgram(
    {
      command: path.join(bin, 'focus-validator'),
      args: [
        `--data-file=${file}`,
        `--validate-version=${VERSION}`,
        '--block-download',
        `--applicability-criteria=${CRITERIA.join(',')}`,
        '--output-type=unittest',
        `--output-destination=${report}`,
      ],
      // It opens files of its own by paths relative to where it is installed.
      cwd: where.stdout.trim(),
    },
    LIMIT_MS,
  );
  if (ending.kind !== 'ended' || ending.code !== 0)
    throw new Error(
      `the validator broke off: ${tail(ending.kind === 'absent' ? '' : ending.stderr, 5)}`,
    );
  return readJunit(readFileSync(report, 'utf8'));
}

async function main(isWriting: boolean): Promise<number> {
  const python = await pythonHere();
  if (python === null) {
    console.log('focus: skipped, Python 3.12 or newer is not here');
    return SKIPPED;
  }
  const validator = await validatorHere(python);
  if ('why' in validator) {
    console.log(`focus: skipped, ${validator.why}`);
    return SKIPPED;
  }
  const folder = mkdtempSync(path.join(tmpdir(), 'tollgate-focus-'));
  const reviewed = JSON.parse(readFileSync(LIST, 'utf8')) as Reviewed;
  const wrong: string[] = [];
  try {
    for (const sample of SAMPLES) {
      const file = path.join(folder, `${sample.currency}.csv`);
      writeFileSync(
        file,
        [...focusCsv(variedMonth(sample), { version: VERSION, teamId: null })].join(''),
      );
      const outcomes = await validated(validator.folder, file, path.join(folder, 'report.xml'));
      if (isWriting)
        writeFileSync(LIST, `${JSON.stringify(review(outcomes, reviewed), null, 2)}\n`);
      const found = isWriting ? [] : differences(outcomes, reviewed);
      const passed = [...outcomes.values()].filter((outcome) => outcome === 'passed').length;
      console.log(
        `FOCUS ${VERSION}, ${sample.currency}: ${outcomes.size} rules, ${passed} passed, ${found.length} otherwise than reviewed`,
      );
      wrong.push(...found.map((each) => `${sample.currency}: ${each}`));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  for (const each of wrong) console.log(`  ${each}`);
  return wrong.length === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.includes('--write')).catch((thrown: unknown) => {
  console.error(thrown instanceof Error ? thrown.message : thrown);
  return 1;
});
