/** What a driver's own public test-suite is to the runner: what of it is run, and what a side answered. */
export type Seen = {
  readonly name: string;
  readonly status: 'pass' | 'fail' | 'skipped';
  /** What the suite said of a failure, for the sorting of reasons and the terminal; never printed into a document. */
  readonly said: string;
};

/** Cases that are counted and not run, and why. */
export interface Apart {
  readonly why: string;
  readonly cases: number;
}

export interface Side {
  readonly name: 'direct' | 'proxied';
  readonly port: number;
  /** A home folder of its own, empty. */
  readonly home: string;
}

export interface PreparedSuite {
  readonly kind: 'ready';
  readonly apart: readonly Apart[];
  /** Runs every case against one side; never rejects for a case. */
  run(side: Side): Promise<readonly Seen[]>;
}

export interface AbsentSuite {
  readonly kind: 'absent';
  readonly why: string;
}

export interface Suite {
  /** `node` or `go`, as named on the command line. */
  readonly name: string;
  /** Driver and version, and the version of the cases where it is another. */
  readonly title: string;
  /** Brings sources and tools into `cache`; `absent` says what is missing and how to give it. */
  prepare(cache: string): Promise<PreparedSuite | AbsentSuite>;
}

/** The most that one case may take, and all cases of one side. */
export const CASE_LIMIT_MS = 30_000;
export const SIDE_LIMIT_MS: number = 15 * 60_000;

// The person of the demo whose team has no rules that refuse, and a role that the person has.
export const LOGIN: Readonly<
  Record<'account' | 'user' | 'password' | 'role' | 'warehouse' | 'database', string>
> = {
  account: 'demo',
  user: 'platform_analyst',
  password: 'demo',
  role: 'PLATFORM_ROLE',
  warehouse: 'STANDARD_WH',
  database: 'ANALYTICS',
};

/**
 * What both suites read of the surroundings: the side, the demo's credentials, and nothing that leaves the machine: a
 * proxy of the environment that nobody answers at, no look-up of the cloud's own addresses, a home without configuration.
 */
export function surroundings(side: Side, schema: string): Readonly<Record<string, string>> {
  return {
    SNOWFLAKE_TEST_PROTOCOL: 'http',
    SNOWFLAKE_TEST_HOST: '127.0.0.1',
    SNOWFLAKE_TEST_PORT: String(side.port),
    SNOWFLAKE_TEST_ACCOUNT: LOGIN.account,
    SNOWFLAKE_TEST_USER: LOGIN.user,
    SNOWFLAKE_TEST_PASSWORD: LOGIN.password,
    SNOWFLAKE_TEST_ROLE: LOGIN.role,
    SNOWFLAKE_TEST_WAREHOUSE: LOGIN.warehouse,
    SNOWFLAKE_TEST_DATABASE: LOGIN.database,
    SNOWFLAKE_TEST_SCHEMA: schema,
    SNOWFLAKE_DISABLE_PLATFORM_DETECTION: 'true',
    HOME: side.home,
    TMPDIR: side.home,
    NO_PROXY: '127.0.0.1,localhost',
    HTTP_PROXY: NOBODY,
    HTTPS_PROXY: NOBODY,
    AWS_EC2_METADATA_DISABLED: 'true',
    TZ: 'Etc/UTC',
    LC_ALL: 'C.UTF-8',
  };
}

// Port 9 discards; on most machines nothing listens there.
const NOBODY = 'http://127.0.0.1:9';
