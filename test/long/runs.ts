/** Every test with a full count, by the name that test:long takes. */
export interface LongRunEntry {
  readonly name: string;
  readonly file: string;
  /** Beginning of the test's name. */
  readonly test: string;
  /** Chunks are run one after another, so that a broken run goes on where it stopped. */
  readonly chunks: number;
  readonly countPerChunk: number;
  /** What the table says of the run. */
  readonly shows: string;
}

export const LONG_RUNS: readonly LongRunEntry[] = [
  {
    name: 'tokens',
    file: 'test/proxy/identity/tokens.property.test.ts',
    test: 'no mutated token opens',
    chunks: 22,
    countPerChunk: 50_000,
    shows: 'sealed tokens with bits flipped, parts swapped, cut, grown, re-labelled or re-encoded',
  },
  {
    name: 'reloads',
    file: 'test/e2e/replicas.e2e.test.ts',
    test: 'new versions under load',
    chunks: 4,
    countPerChunk: 250,
    shows:
      'control versions applied one after another while drivers run statements on two replicas',
  },
  {
    name: 'retries',
    file: 'test/e2e/replicas.e2e.test.ts',
    test: 'each statement is charged once',
    // Five troubles on two replicas and on one, each with 1,000 statements in each of five ways of marking.
    chunks: 10,
    countPerChunk: 5000,
    shows:
      'statements whose every reply is lost once, to the client or of upstream, or whose request comes five times, at once or in turn, or both with the replies of polls lost too; each with every way drivers mark repeats, on two replicas behind a balancer without stickiness and on one',
  },
  {
    name: 'retries-drivers',
    file: 'test/e2e/replicas.e2e.test.ts',
    test: 'the real driver',
    // snowflake-sdk, snowflake-connector-python 4.8.1 and 5.2.0.
    chunks: 3,
    countPerChunk: 100,
    shows:
      'statements of real drivers, each losing its first reply between the driver and two replicas behind a balancer, and the same directly',
  },
  {
    name: 'retries-cuts',
    file: 'test/e2e/replicas.e2e.test.ts',
    test: 'with connections to Postgres cut',
    chunks: 2,
    countPerChunk: 200,
    shows:
      'statements sent three times at once to two replicas while their connections to Postgres are ended all along; what ran is compared with what is charged',
  },
  {
    name: 'replay-live',
    file: 'test/cli/replay/live-path.pg.test.ts',
    test: 'a replay answers by its own budgets',
    chunks: 10,
    countPerChunk: 20,
    shows:
      'histories of 40 statements, each under a drawn control document that the API accepts, answered by a replay and by the steps of the proxy over a real ledger, every second one with leases; a difference fails the run',
  },
  {
    name: 'replay-sessions',
    file: 'test/cli/replay/live-path.property.test.ts',
    test: 'sessions that are switched on the way',
    chunks: 10,
    countPerChunk: 200,
    shows:
      'histories of 40 statements of three sessions that switch warehouse, role, schema, tag and time zone on the way, each under a drawn control document, answered by a replay from what the rows say and by the steps of the proxy from the replies that went by; a difference fails the run',
  },
  {
    name: 'replay-queues',
    file: 'test/cli/replay/queues.property.test.ts',
    test: 'a replay keeps waiting',
    chunks: 10,
    countPerChunk: 200,
    shows:
      'crowds of 40 statements, each under a drawn control document with short queues and little patience, replayed, and run through the lanes of the proxy in simulated time; who waits, who is refused by a full queue, by the wait or by the budgets that those who wait hold, and how budgets stand afterwards is the same, or the run fails',
  },
  {
    name: 'replay-guards',
    file: 'test/cli/replay/guarded.pg.test.ts',
    test: 'a replay stops what the guards of the proxy stop',
    chunks: 10,
    countPerChunk: 20,
    shows:
      'histories of 30 statements, each under a drawn control document, replayed, and run under the meter of the proxy in simulated time over a real ledger; what is refused and stopped, at which amounts, and how budgets stand afterwards is the same, or the run fails',
  },
  {
    name: 'plan-live',
    file: 'test/cli/replay/plan-live.pg.test.ts',
    test: 'a plan names the statements that the path refuses',
    chunks: 10,
    countPerChunk: 20,
    shows:
      'histories of 40 statements, run under a generous document and judged again by a plan of a drawn one, and run by the steps of the proxy under that one, both over real ledgers; a statement that only one of the two refuses, or by another budget or cause, fails the run',
  },
  {
    name: 'holds',
    file: 'test/proxy/running/meter.pg.test.ts',
    test: 'holds are outrun',
    chunks: 4,
    countPerChunk: 250,
    shows:
      'statements that take 1.5 to 13 times their hold, in simulated time over a real ledger: with an ample budget, then as many endless ones with nothing more to be had',
  },
  {
    name: 'ledger-entries',
    file: 'test/billing/ledger-entries.pg.test.ts',
    test: 'criterion 16: after a long random life',
    // One ledger of as many entries.
    chunks: 1,
    countPerChunk: 1_000_000,
    shows:
      'random moves of statements on one ledger, up to 250 at once, with budgets that are used up and raised: each answer, the stored balances, the sums of entries and those of charges are what a model of a few lines says',
  },
  {
    name: 'metered-months',
    file: 'test/billing/attribution/month.pg.test.ts',
    // Of every criterion.
    test: 'criteri',
    chunks: 6,
    // Days.
    countPerChunk: 30,
    shows:
      'months of four warehouses that come and go, with more clusters and other sizes on the way, an adaptive one and one of which only credits are known: lines are what was metered, hours by time are what servers did, any order of rows, batches and allocators comes out as the same bytes, and one credit more anywhere is named by warehouse and hour',
  },
  {
    name: 'leases',
    file: 'test/billing/leases.pg.test.ts',
    test: 'at one barrier',
    chunks: 10,
    countPerChunk: 10,
    shows:
      'rounds of 500 statements on each of four replicas with leases, at one barrier, room for exactly half of them and one of half the size: so many are held, the last unit too, and nothing is held or leased afterwards',
  },
  {
    name: 'replicas',
    file: 'test/e2e/proxy-kill.e2e.test.ts',
    test: 'replicas at one barrier',
    chunks: 20,
    countPerChunk: 5,
    shows:
      'rounds of 160 statements of light clients on four replica processes with leases, at one barrier, with room for exactly so many; then one replica is killed by SIGKILL, half of what runs ends in that moment, and what it held is void, settled or adopted; recoveryMsMax is how long the slowest took',
  },
  {
    name: 'mixed',
    file: 'test/e2e/proxy-kill.e2e.test.ts',
    test: 'of mixed traffic',
    // Seconds.
    chunks: 12,
    countPerChunk: 300,
    shows:
      'an hour of statements of many kinds by 24 clients of four teams at two replica processes, with budgets that are used up again and again; each refusal of a budget is checked against the holds and charges of the ledger',
  },
  {
    name: 'lexer',
    file: 'test/base/sql/lexer.property.test.ts',
    test: 'the tokens of any text',
    chunks: 10,
    countPerChunk: 100_000,
    shows:
      'texts of any characters whose tokens concatenate back to them, each significant token in one statement',
  },
  {
    name: 'fingerprints',
    file: 'test/policies/sql/fingerprint.property.test.ts',
    test: 'white space, comments, letter case',
    chunks: 10,
    countPerChunk: 20_000,
    shows:
      'statements written anew in other white space, comments, letter case, literals and lengths of lists, with the same fingerprint',
  },
  ...(['table', 'column', 'comparison', 'quoted'] as const).map((kind) => ({
    name: `fingerprints-${kind}`,
    file: 'test/policies/sql/fingerprint.property.test.ts',
    test: `another ${kind} is another fingerprint`,
    chunks: 5,
    countPerChunk: 20_000,
    shows: `statements with another ${kind === 'quoted' ? 'letter case of a quoted name' : kind}, with another fingerprint`,
  })),
  {
    name: 'queue-holder',
    file: 'test/e2e/proxy-kill.e2e.test.ts',
    test: 'a statement that waited at a replica that is killed',
    chunks: 2,
    countPerChunk: 10,
    shows:
      'processes killed with -9 while a statement waits at them for a permit that another one holds; the poll through the other is told TG2303',
  },
  {
    name: 'linear-time',
    file: 'test/policies/sql/linear-time.test.ts',
    test: 'twice the text',
    // Each takes three of the families of test/support/sql-adversaries.ts.
    chunks: 37,
    countPerChunk: 10_000_000,
    shows:
      'readers of SQL over texts made to be slow, 1.25 to 10 million characters (facts: to one mebibyte), by processor time; ratioMax is the growth for twice the text, the mean of three doublings',
  },
  {
    name: 'facts-of-two',
    file: 'test/policies/sql/analyser.property.test.ts',
    test: 'the facts of two statements',
    chunks: 5,
    countPerChunk: 2_000,
    shows: 'pairs of statements in one text, by the real parser, with the facts of each',
  },
  {
    name: 'fuzz',
    file: 'test/policies/sql/analyser.property.test.ts',
    test: 'fuzzed texts',
    chunks: 18,
    countPerChunk: 50_000,
    shows:
      'texts cut, doubled, spliced, sprinkled with control characters and halves of pairs through the analyser without its parser; no throw, no step above 20 ms',
  },
  {
    name: 'fuzz-parsed',
    file: 'test/policies/sql/analyser.property.test.ts',
    test: 'with the parser fuzzed texts',
    chunks: 10,
    countPerChunk: 10_000,
    shows:
      'the same with the real parser; no throw, and the longest stall by the clock of the wall',
  },
];
