/** What the official validator of FOCUS said of each rule, and what a person has agreed that it says. */

export type Outcome = 'passed' | 'failed' | 'skipped' | 'errored';

/** The committed list: every rule of a version once. */
export interface Reviewed {
  readonly version: string;
  readonly validator: string;
  readonly passed: readonly string[];
  /** Rules that it does not run: sums and relations between rows, and what Snowflake has not. */
  readonly skipped: readonly string[];
  /** Rule → why the file is right all the same. */
  readonly failed: Readonly<Record<string, string>>;
}

const SUITES = /<testsuites [^>]*\btests="(\d+)"/;
const CASE = /<testcase name="([^" ]+) :: [^"]*"[^>]*?(?:\/>|>([\s\S]*?)<\/testcase>)/g;

/**
 * Rule by rule, from its JUnit report.
 * @throws Error where the report has another number of rules than it says, so that a report that is read wrongly cannot
 *   look like one without faults.
 */
export function readJunit(xml: string): ReadonlyMap<string, Outcome> {
  const outcomes = new Map<string, Outcome>();
  for (const [, rule = '', body = ''] of xml.matchAll(CASE)) outcomes.set(rule, outcomeOf(body));
  const said = Number(SUITES.exec(xml)?.[1] ?? '0');
  if (outcomes.size === 0 || outcomes.size !== said)
    throw new Error(`the report says ${said} rules and has ${outcomes.size}`);
  return outcomes;
}

function outcomeOf(body: string): Outcome {
  if (body.includes('<failure')) return 'failed';
  if (body.includes('<error')) return 'errored';
  return body.includes('<skipped') ? 'skipped' : 'passed';
}

/** Each rule that came out otherwise than reviewed, is not in the list, or is in it and was not run; empty: all is as agreed. */
export function differences(
  outcomes: ReadonlyMap<string, Outcome>,
  reviewed: Reviewed,
): readonly string[] {
  const agreed = new Map<string, Outcome>([
    ...reviewed.passed.map((rule) => [rule, 'passed'] as const),
    ...reviewed.skipped.map((rule) => [rule, 'skipped'] as const),
    ...Object.keys(reviewed.failed).map((rule) => [rule, 'failed'] as const),
  ]);
  const unexplained = Object.entries(reviewed.failed).filter(([, why]) => why.trim() === '');
  return [
    ...[...outcomes]
      .filter(
        ([rule, outcome]) => agreed.get(rule) !== (outcome === 'errored' ? 'failed' : outcome),
      )
      .map(([rule, outcome]) => `${rule} ${outcome}, reviewed as ${agreed.get(rule) ?? 'nothing'}`),
    ...[...agreed.keys()]
      .filter((rule) => !outcomes.has(rule))
      .map((rule) => `${rule} was not run`),
    ...unexplained.map(([rule]) => `${rule} fails and the list does not say why that is right`),
  ];
}

/** The list as it would be for these outcomes; reasons that stand there are kept, new ones are empty. */
export function review(outcomes: ReadonlyMap<string, Outcome>, before: Reviewed): Reviewed {
  const of = (...wanted: readonly Outcome[]): readonly string[] =>
    [...outcomes]
      .filter(([, outcome]) => wanted.includes(outcome))
      .map(([rule]) => rule)
      .sort();
  return {
    version: before.version,
    validator: before.validator,
    passed: of('passed'),
    skipped: of('skipped'),
    failed: Object.fromEntries(
      of('failed', 'errored').map((rule) => [rule, before.failed[rule] ?? '']),
    ),
  };
}
