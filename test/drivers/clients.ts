/**
 * The clients of the table: what each needs, how its program is started, and which cases its driver has no form for.
 * What is prepared is kept in a folder whose name holds its versions, with a stamp, so a second run starts at once.
 */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { PROGRAMS, ROOT } from './places.js';
import { PIP_FLAGS, prepared, step, type Prepared, type Skipped } from './prepare.js';

export interface Client {
  readonly name: string;
  readonly version: string;
  /** Name of a case, and why this driver has none of it. */
  readonly without: Readonly<Record<string, string>>;
  /** True: it is asked only what is its own, because it runs no statements that one gives it. */
  readonly hasOwnCases: boolean;
  /** Null: a usual run asks all cases of the ways; otherwise these, because each case costs a start of the tool. */
  readonly usual: readonly string[] | null;
  /** How long its program may take for one side. */
  readonly limitMs: number;
  /** Brings its tool chain into `cache`; never rejects for want of one. */
  prepare(cache: string): Promise<Prepared>;
}

const LIMIT_MS = 120_000;
const ONLY_SERVER_BINDS = { 'client-binds': 'the driver sends binds to the server' };
const NO_TIME_LIMIT = { 'time-limit': 'the driver has no such limit' };

// The embedded warehouse keeps files of a stage on the machine and names the folder to the driver.
const NO_LOCAL_STAGES = 'the driver knows no stages on its own machine';
const NO_LOCAL_FILES = { files: NO_LOCAL_STAGES, 'write-pandas': NO_LOCAL_STAGES };
const NO_INTERRUPT = { interrupt: 'the driver does not look at signals while a statement runs' };
const NO_LOCAL_GET = {
  files: 'the driver puts into a stage on its own machine and cannot get from it',
  'array-bind': 'the driver cannot put binds into a stage on its own machine',
};

const BELOW = 'done with the driver below it';
const ALCHEMY = {
  'server-binds': 'the dialect writes binds into the text',
  'many-rows': BELOW,
  files: BELOW,
  cancel: BELOW,
  'time-limit': BELOW,
  async: BELOW,
  several: BELOW,
  'array-bind': BELOW,
  prepared: BELOW,
  'dry-run': BELOW,
  'budget-types': BELOW,
  receipts: BELOW,
};

const ONE_COMMAND = 'a command is one session and ends with it';
const SNOW = {
  'client-binds': 'it has no binds',
  'server-binds': 'it has no binds',
  'two-sessions': ONE_COMMAND,
  'many-rows': 'it prints JSON',
  files: BELOW,
  cancel: ONE_COMMAND,
  'time-limit': ONE_COMMAND,
  autocommit: 'it has no such setting',
  binary: 'it prints JSON',
  'my-budget': 'it prints JSON',
  'dry-run': 'it prints JSON',
  'budget-types': 'it prints JSON',
  receipts: 'it has no binds',
  renewal: ONE_COMMAND,
  'master-gone': ONE_COMMAND,
  async: ONE_COMMAND,
  several: 'it sends them one by one',
  'array-bind': 'it has no binds',
  prepared: 'it has no binds',
};

/** In the order of the table. */
export function clients(): readonly Client[] {
  return [
    nodeClient(),
    connectorClient('4.8.1', {}),
    connectorClient('5.2.0', { ...NO_TIME_LIMIT, ...NO_LOCAL_FILES, ...NO_INTERRUPT }),
    pythonClient('sqlalchemy', '1.11.1', 'alchemy.py', ALCHEMY, [
      'snowflake-sqlalchemy==1.11.1',
      // The dialect does not load with 2.1.
      'sqlalchemy==2.0.58',
      'snowflake-connector-python==4.8.1',
    ]),
    {
      ...pythonClient('dbt-snowflake', '1.11.6', 'dbt_project.py', {}, [
        'dbt-snowflake==1.11.6',
        'dbt-core==1.11.16',
      ]),
      limitMs: 2 * LIMIT_MS,
      hasOwnCases: true,
      usual: ['dbt-build', 'dbt-interrupt'],
    },
    {
      ...pythonClient('snow', '3.30.0', 'snow_cli.py', SNOW, ['snowflake-cli==3.30.0']),
      limitMs: 3 * LIMIT_MS,
      usual: ['connect', 'temporary-table', 'refusal', 'stopped', 'access-token', 'key-pair'],
    },
    goClient('1.19.1'),
    javaClient('4.0.2'),
  ];
}

function nodeClient(): Client {
  const manifest = path.join(ROOT, 'node_modules', 'snowflake-sdk', 'package.json');
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  const script = fileURLToPath(new URL('./node/client.js', import.meta.url));
  return {
    name: 'snowflake-sdk',
    version,
    limitMs: LIMIT_MS,
    hasOwnCases: false,
    usual: null,
    without: { ...ONLY_SERVER_BINDS, ...NO_TIME_LIMIT },
    prepare: () =>
      Promise.resolve({ kind: 'ready', program: { command: process.execPath, args: [script] } }),
  };
}

function connectorClient(version: string, without: Readonly<Record<string, string>>): Client {
  const name = 'snowflake-connector-python';
  return pythonClient(name, version, 'connector.py', without, [`${name}[pandas]==${version}`]);
}

function pythonClient(
  name: string,
  version: string,
  script: string,
  without: Readonly<Record<string, string>>,
  requirements: readonly string[],
): Client {
  return {
    name,
    version,
    limitMs: LIMIT_MS,
    hasOwnCases: false,
    usual: null,
    without,
    prepare: (cache) =>
      prepared(
        cache,
        `python-${name}-${version}`,
        requirements.join('\n'),
        async (folder) => {
          const python = path.join(folder, 'venv', 'bin', 'python');
          return (
            (await step('python3', 'python3', ['-m', 'venv', path.join(folder, 'venv')])) ??
            (await step('pip', python, ['-m', 'pip', 'install', ...PIP_FLAGS, ...requirements]))
          );
        },
        (folder) => ({
          command: path.join(folder, 'venv', 'bin', 'python'),
          args: [path.join(PROGRAMS, 'python', script)],
          environment: { PYTHONDONTWRITEBYTECODE: '1', PYTHONIOENCODING: 'utf-8' },
        }),
      ),
  };
}

function goClient(version: string): Client {
  const sources = ['main.go', 'later.go'].map((name) => path.join(PROGRAMS, 'go', name));
  const manifest = `module tollgate-drivers\n\ngo 1.24\n\nrequire github.com/snowflakedb/gosnowflake v${version}\n`;
  const make = async (folder: string): Promise<Skipped | null> => {
    for (const source of sources) copyFileSync(source, path.join(folder, path.basename(source)));
    writeFileSync(path.join(folder, 'go.mod'), manifest);
    // The manifest names what we ask for; -mod=mod lets the build add what that needs.
    return step('go', 'go', ['build', '-mod=mod', '-o', 'driver', '.'], {
      cwd: folder,
      environment: { GOWORK: 'off' },
    });
  };
  return {
    name: 'gosnowflake',
    version,
    limitMs: LIMIT_MS,
    hasOwnCases: false,
    usual: null,
    without: { ...ONLY_SERVER_BINDS, ...NO_LOCAL_GET },
    prepare: (cache) =>
      prepared(cache, `go-${version}`, manifest + texts(sources), make, (folder) => ({
        command: path.join(folder, 'driver'),
        args: [],
      })),
  };
}

function javaClient(version: string): Client {
  const sources = ['Driver.java', 'Later.java'].map((name) => path.join(PROGRAMS, 'java', name));
  const jar = `snowflake-jdbc-${version}.jar`;
  const make = async (folder: string): Promise<Skipped | null> =>
    (await step('mvn', 'mvn', [
      '--quiet',
      '--batch-mode',
      'dependency:copy',
      `-Dartifact=net.snowflake:snowflake-jdbc:${version}`,
      `-DoutputDirectory=${folder}`,
    ])) ?? step('javac', 'javac', ['-cp', path.join(folder, jar), '-d', folder, ...sources]);
  return {
    name: 'snowflake-jdbc',
    version,
    limitMs: LIMIT_MS,
    hasOwnCases: false,
    usual: null,
    without: ONLY_SERVER_BINDS,
    prepare: (cache) =>
      prepared(cache, `java-${version}`, jar + texts(sources), make, (folder) => ({
        command: 'java',
        // Results in Arrow need this of Java 16 and newer.
        args: [
          '--add-opens=java.base/java.nio=ALL-UNNAMED',
          '-cp',
          [path.join(folder, jar), folder].join(path.delimiter),
          'Driver',
        ],
      })),
  };
}

function texts(files: readonly string[]): string {
  return files.map((file) => readFileSync(file, 'utf8')).join('');
}
