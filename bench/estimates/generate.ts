/** Writes a generated history to a file, row by row, and the statistics of its tables. Seed, profile and rows decide every byte. */
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import type { EpochMs } from '../../base/time.js';
import { HEADER, lineOf } from './csv.js';
import { Draw } from './draw.js';
import { OracleBook } from './oracle.js';
import type { Oracle } from './oracle.js';
import { PROFILES } from './profile.js';
import type { Profile, ProfileName } from './profile.js';
import { Simulation } from './simulation.js';
import type { Ended } from './simulation.js';
import { sourcesOf } from './sources/sources.js';
import { statisticsOf } from './tables.js';

const STARTS_AT: EpochMs = Date.UTC(2025, 5, 2);
const WRITE_LENGTH = 1_000_000;

export interface GeneratedOptions {
  readonly profile: ProfileName;
  readonly seed: number;
  readonly rows: number;
  /** Without it CREDITS_ATTRIBUTED_COMPUTE stays empty. */
  readonly hasCredits: boolean;
}

export interface GeneratedHistory {
  readonly oracle: Oracle;
  readonly rows: number;
  readonly days: number;
  /** What `--statistics` reads. */
  readonly statistics: Readonly<Record<string, unknown>>;
  /** Milliseconds that the clusters of each warehouse were busy. */
  readonly busyMs: ReadonlyMap<string, number>;
}

/** Plays a history; statements come to `emit` in the order in which they started. */
export function playHistory(
  profile: Profile,
  { seed, rows }: Pick<GeneratedOptions, 'seed' | 'rows'>,
  emit: (ended: Ended) => void,
): GeneratedHistory {
  const draw = new Draw(seed).of(profile.name);
  const sources = sourcesOf(profile, STARTS_AT, Math.max(1, rows / profile.perDay), draw);
  const order = new StartOrder(emit);
  const oracle = new OracleBook();
  const simulation = new Simulation(profile, sources, rows, draw.of('runs'), (ended) => {
    oracle.add(ended);
    order.add(ended);
  });
  simulation.run(STARTS_AT);
  return {
    oracle: oracle.oracle(),
    rows: order.emitted,
    days: Math.ceil((simulation.lastStartAt - STARTS_AT) / 86_400_000),
    statistics: statisticsOf(sources.tables, simulation.lastStartAt),
    busyMs: simulation.busyMs(),
  };
}

/** Writes the history as CSV to `file`, and its statistics to `statisticsFile` where one is given. */
export function writeGenerated(
  options: GeneratedOptions,
  file: string,
  statisticsFile: string | null,
): GeneratedHistory {
  const handle = openSync(file, 'w');
  let buffer = HEADER;
  try {
    const history = playHistory(PROFILES[options.profile], options, (ended) => {
      buffer += lineOf(ended, options);
      if (buffer.length < WRITE_LENGTH) return;
      writeSync(handle, buffer);
      buffer = '';
    });
    writeSync(handle, buffer);
    if (statisticsFile !== null)
      writeFileSync(statisticsFile, `${JSON.stringify(history.statistics, null, 2)}\n`);
    return history;
  } finally {
    closeSync(handle);
  }
}

/** Statements end in any order and leave in that of their numbers. */
class StartOrder {
  readonly #emit: (ended: Ended) => void;
  readonly #early = new Map<number, Ended>();
  #next = 0;

  constructor(emit: (ended: Ended) => void) {
    this.#emit = emit;
  }

  get emitted(): number {
    return this.#next;
  }

  add(ended: Ended): void {
    this.#early.set(ended.number, ended);
    for (;;) {
      const ready = this.#early.get(this.#next);
      if (ready === undefined) return;
      this.#early.delete(this.#next);
      this.#next += 1;
      this.#emit(ready);
    }
  }
}
