/** What the proxy's history learns of a history that ran, as a replay has it: what ran, ran, also where the proxy had not let it. */
import { must } from '../../../base/assert.js';
import { approximate } from '../../../base/units.js';
import { demoTables } from '../../../cli/explanation/statistics.js';
import type { ReplayRow } from '../../../cli/replay/row.js';
import type { ControlSnapshot } from '../../../policies/control/snapshot.js';
import type { Estimate } from '../../../policies/estimate/estimate.js';
import { statisticsSeconds } from '../../../policies/estimate/estimator.js';
import { HistoryStore } from '../../../policies/estimate/history-store.js';
import type { StatisticsView } from '../../../policies/estimate/table-statistics.js';
import type { TextFacts } from '../../../policies/sql/facts.js';
import { BYTES_PER_SECOND_PER_CREDIT, priceText } from '../../../proxy/estimate.js';
import { LivePath, type LivePathOptions } from './live-path.js';

export interface TeacherOptions {
  readonly snapshot: ControlSnapshot;
  readonly history: HistoryStore;
  readonly statistics: StatisticsView;
  readonly factsOf: (text: string) => TextFacts;
}

/** The path over the demo's tables, and who teaches its history. */
export function taughtPath(
  options: Pick<LivePathOptions, 'snapshot' | 'ledger' | 'reserved'> &
    Pick<TeacherOptions, 'factsOf'>,
): { readonly teacher: Teacher; readonly live: LivePath } {
  const { snapshot, factsOf } = options;
  const shared = { history: new HistoryStore(10_000), statistics: demoTables().statistics };
  return {
    teacher: new Teacher({ snapshot, factsOf, ...shared }),
    live: new LivePath({ ...options, ...shared }),
  };
}

export class Teacher {
  readonly #options: TeacherOptions;
  readonly #believed = new Map<string, Estimate>();

  constructor(options: TeacherOptions) {
    this.#options = options;
  }

  /** What is believed of it when it comes. */
  came(row: ReplayRow): void {
    const { factsOf, ...parts } = this.#options;
    const priced = priceText({
      facts: factsOf(must(row.queryText, 'a text')),
      isDescribe: false,
      warehouse: row.warehouse,
      ...parts,
      at: row.submittedAt,
    });
    const { price } = must(priced.kind === 'priced' ? priced : null, 'its warehouse has a price');
    this.#believed.set(row.queryId, price.estimate);
  }

  /** It ended in the history; nobody shared its warehouse. */
  ended({ queryId, warehouse, submittedAt, executionMs }: ReplayRow): void {
    const { snapshot, history } = this.#options;
    const estimate = must(this.#believed.get(queryId), 'it came');
    this.#believed.delete(queryId);
    const { basis, shape, believed, bytes } = estimate;
    if (basis === 'FREE' || shape === null) return;
    const rate = must(snapshot.rateOfWarehouse(warehouse ?? '', submittedAt), 'a rate');
    const seconds = executionMs / 1_000;
    history.record({
      shape,
      believed,
      creditsPerHour: approximate(rate),
      seconds,
      elapsedSeconds: seconds,
      statisticsSeconds: statisticsSeconds(bytes, rate, BYTES_PER_SECOND_PER_CREDIT),
    });
  }
}
