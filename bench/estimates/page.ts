/** The tables of `docs/estimates.md`, with the bars of the issue beside the figures. */
import { fixed, machine, table } from '../report.js';
import type { EstimatesReport, ProfileRun } from '../estimates.js';
import { accuracyOf } from './accuracy.js';
import type { Accuracy, Judged } from './accuracy.js';
import { BASELINES, errorQuantiles } from './baselines.js';
import type { Baseline } from './baselines.js';
import { HOLD_STRATEGIES } from './hold-strategies.js';
import type { Held } from './oracle.js';
import type { PredictionTimes } from './prediction-time.js';

/** The bars of the work on estimates. */
export const BARS = {
  repeatedP50: 1.25,
  repeatedP90: 2,
  unseenP50: 2,
  unseenP90: 8,
  coverage: [0.89, 0.91],
  dearestCoverage: 0.85,
  heldOverActual: 1.3,
  millionSeconds: 120,
  predictionMicrosP99: 1_000,
} as const;

/** Fewer unseen statements say nothing. */
const UNSEEN_ROWS_MIN = 100;

/** Profiles in which one statement runs at once on a warehouse: where a hold can be as close as the bar asks. */
const UNSHARED: ReadonlySet<string> = new Set(['uncontended', 'individual']);

/** Markdown of a run. */
export function estimatesText(report: EstimatesReport): string {
  const { options, runs, million, predictions } = report;
  return [
    '### Against the bars',
    '',
    table(
      ['profile', 'what', 'bar', 'measured', 'met'],
      runs.flatMap(barRows).concat(millionRow(million), predictionBar(predictions)),
    ),
    '',
    '### The best there could be',
    '',
    'Who knew everything of a generated statement but the noise of the run, and held its 90 % quantile; over all statements.',
    '',
    table(
      ['profile', 'q-error p50', 'p90', 'p99', 'held ÷ actual', 'of repeated shapes'],
      runs.flatMap(oracleRow),
    ),
    '',
    '### By basis',
    '',
    table(
      ['profile', 'shapes', 'basis', ...FIGURES],
      runs.flatMap((run) => grouped(run, ({ isRepeated, basis }) => [shapes(isRepeated), basis])),
    ),
    '',
    '### By warehouse',
    '',
    table(
      ['profile', 'shapes', 'warehouse', ...FIGURES],
      runs.flatMap((run) =>
        grouped(run, ({ isRepeated, warehouse }) => [shapes(isRepeated), warehouse]),
      ),
    ),
    '',
    '### Baselines on the same files',
    '',
    'Of statements whose shape had ended before, predicted per QUERY_PARAMETERIZED_HASH by the value alone; p50 / p90 / p99.',
    '',
    table(
      ['profile', 'statements', 'predicted', ...BASELINES, 'this estimator, repeated shapes'],
      runs.flatMap(baselineRows),
    ),
    '',
    '### Hold strategies on the same files',
    '',
    'Of the same statements, in credits; coverage, and everything held ÷ everything used.',
    '',
    table(
      ['profile', 'statements', ...HOLD_STRATEGIES, 'this estimator, repeated shapes'],
      runs.map(holdsRow),
    ),
    '',
    '### Replays',
    '',
    'Without a control document: estimates only, nothing is refused.',
    '',
    table(['profile', 'files', 'rows', 'seconds'], runs.map(replayRow)),
    '',
    ...(predictions === null
      ? []
      : ['### Time of one prediction', '', predictionText(predictions), '']),
    `- Seeds ${options.seeds.join(', ')}, ${options.rows} statements a file; ${machine()}`,
    ...runs.flatMap(checks),
  ].join('\n');
}

const FIGURES = [
  'statements',
  'q-error p50',
  'p90',
  'p99',
  'coverage',
  'of the dearest tenth',
  'held ÷ actual',
];

const shapes = (isRepeated: boolean): string => (isRepeated ? 'repeated' : 'unseen');

function figures(accuracy: Accuracy): readonly string[] {
  return [
    String(accuracy.rows),
    fixed(accuracy.p50, 2),
    fixed(accuracy.p90, 2),
    fixed(accuracy.p99, 1),
    fixed(accuracy.coverage, 3),
    fixed(accuracy.dearestCoverage, 3),
    fixed(accuracy.heldOverActual, 2),
  ];
}

function grouped(
  run: ProfileRun,
  keyOf: (judged: Judged) => readonly [string, string],
): readonly (readonly string[])[] {
  const groups = new Map<string, Judged[]>();
  for (const judged of run.judged) {
    const key = keyOf(judged).join(' | ');
    const group = groups.get(key) ?? [];
    group.push(judged);
    groups.set(key, group);
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, judged]) => [run.profile, key, ...figures(accuracyOf(judged))]);
}

function barRows(run: ProfileRun): readonly (readonly string[])[] {
  const { profile, judged } = run;
  const repeated = accuracyOf(judged.filter(({ isRepeated }) => isRepeated));
  const unseen = accuracyOf(judged.filter(({ isRepeated }) => !isRepeated));
  const [least, most] = BARS.coverage;
  const atMost = (what: string, bar: number, value: number): readonly string[] => [
    profile,
    what,
    `≤ ${bar}`,
    fixed(value, 2),
    met(value <= bar),
  ];
  return [
    atMost('repeated shapes, q-error p50', BARS.repeatedP50, repeated.p50),
    atMost('repeated shapes, q-error p90', BARS.repeatedP90, repeated.p90),
    ...(unseen.rows < UNSEEN_ROWS_MIN
      ? []
      : [
          atMost('unseen shapes, q-error p50', BARS.unseenP50, unseen.p50),
          atMost('unseen shapes, q-error p90', BARS.unseenP90, unseen.p90),
        ]),
    [
      profile,
      'repeated shapes, coverage of the 90 % hold',
      `${least}–${most}`,
      fixed(repeated.coverage, 3),
      met(repeated.coverage >= least && repeated.coverage <= most),
    ],
    [
      profile,
      'repeated shapes, coverage of the tenth expected to cost most',
      `≥ ${BARS.dearestCoverage}`,
      fixed(repeated.dearestCoverage, 3),
      met(repeated.dearestCoverage >= BARS.dearestCoverage),
    ],
    ...(UNSHARED.has(profile)
      ? [atMost('repeated shapes, held ÷ actual', BARS.heldOverActual, repeated.heldOverActual)]
      : []),
    ...(profile === 'individual' ? peerRows(run, repeated) : []),
  ];
}

/** Beside the simplest predictor and hold that are any good, on the same files. */
function peerRows(
  { profile, credits, holds }: ProfileRun,
  repeated: Accuracy,
): readonly (readonly string[])[] {
  const { p50, p90, p99 } = errorQuantiles(credits['log-EWMA(0.3)']);
  const { held, actual } = holds['log-EWMA(0.3) × θ'];
  const beside = (what: string, peer: number, own: number): readonly string[] => [
    profile,
    `repeated shapes, ${what}`,
    `≤ ${fixed(peer, 2)}`,
    fixed(own, 2),
    met(own <= peer),
  ];
  return [
    beside('q-error p50, as log-EWMA(0.3) or closer', p50, repeated.p50),
    beside('q-error p90, as log-EWMA(0.3) or closer', p90, repeated.p90),
    beside('q-error p99, as log-EWMA(0.3) or closer', p99, repeated.p99),
    beside('held ÷ actual, as log-EWMA(0.3) × θ or closer', held / actual, repeated.heldOverActual),
  ];
}

function millionRow(million: EstimatesReport['million']): readonly (readonly string[])[] {
  if (million === null) return [];
  const { rows, seconds } = million;
  const bar = BARS.millionSeconds;
  return [
    [
      'shared',
      `replay of ${rows} rows, seconds`,
      `< ${bar}`,
      fixed(seconds, 0),
      met(seconds < bar),
    ],
  ];
}

function predictionBar(times: PredictionTimes | null): readonly (readonly string[])[] {
  const all = times?.groups.find(({ basis }) => basis === 'all');
  if (all === undefined) return [];
  const bar = BARS.predictionMicrosP99;
  const isMet = met(all.p99Micros < bar);
  return [['unseen', 'one prediction, p99 µs', `< ${bar}`, fixed(all.p99Micros, 0), isMet]];
}

/** Markdown of the time of one prediction. */
export function predictionText(times: PredictionTimes): string {
  const rows = times.groups.map(({ basis, calls, p50Micros, p99Micros, maxMicros }) => [
    basis,
    String(calls),
    fixed(p50Micros, 1),
    fixed(p99Micros, 1),
    fixed(maxMicros, 0),
  ]);
  return [
    `Facts to credits, in memory, after warm-up: ${times.statements} distinct statements in turn, half of them seen before. Nothing is asked of Snowflake or Postgres.`,
    '',
    table(['basis', 'calls', 'p50 µs', 'p99 µs', 'longest µs'], rows),
  ].join('\n');
}

function oracleRow({ profile, oracles }: ProfileRun): readonly (readonly string[])[] {
  if (oracles.length === 0) return [];
  const { p50, p90, p99 } = errorQuantiles(oracles.flatMap(({ errors }) => errors));
  const [all, repeated] = [ratioOf(oracles), ratioOf(oracles.map((oracle) => oracle.repeated))];
  return [[profile, ...[p50, p90, p99, all, repeated].map((figure) => fixed(figure, 2))]];
}

function ratioOf(all: readonly Held[]): number {
  const held = all.reduce((sum, { heldCredits }) => sum + heldCredits, 0);
  return held / all.reduce((sum, { actualCredits }) => sum + actualCredits, 0);
}

const met = (isMet: boolean): string => (isMet ? 'yes' : '**no**');

function baselineRows(run: ProfileRun): readonly (readonly string[])[] {
  const three = (errors: readonly number[]): string => {
    const { p50, p90, p99 } = errorQuantiles(errors);
    return `${fixed(p50, 2)} / ${fixed(p90, 2)} / ${fixed(p99, 1)}`;
  };
  const row = (
    predicted: string,
    errors: Readonly<Record<Baseline, readonly number[]>>,
    own: string,
  ): readonly string[] => [
    run.profile,
    String(errors['last value'].length),
    predicted,
    ...BASELINES.map((name) => three(errors[name])),
    own,
  ];
  const repeated = run.judged.flatMap(({ isRepeated, error }) => (isRepeated ? [error] : []));
  return [row('wall time', run.wall, '–'), row('credits', run.credits, three(repeated))];
}

function holdsRow({ profile, holds, judged }: ProfileRun): readonly string[] {
  const pair = (coverage: number, ratio: number): string =>
    `${fixed(coverage, 3)} / ${fixed(ratio, 2)}`;
  const own = accuracyOf(judged.filter(({ isRepeated }) => isRepeated));
  const each = HOLD_STRATEGIES.map((name) => {
    const { covered, statements, held, actual } = holds[name];
    return pair(covered / statements, held / actual);
  });
  return [profile, String(own.rows), ...each, pair(own.coverage, own.heldOverActual)];
}

function replayRow(run: ProfileRun): readonly string[] {
  return [run.profile, String(run.files), String(run.rows), fixed(run.replaySeconds, 0)];
}

/** What would make the figures worth less. */
function checks(run: ProfileRun): readonly string[] {
  const replayed = run.summaries.reduce((sum, { rows }) => sum + rows, 0);
  return [
    ...(run.missing > 0
      ? [
          `- **${run.profile}: ${run.missing} of ${run.measured} statements were not predicted and are in no figure.**`,
        ]
      : []),
    ...(replayed === run.rows
      ? []
      : [
          `- **${run.profile}: the files have ${run.rows} rows and the replays read ${replayed}.**`,
        ]),
  ];
}
