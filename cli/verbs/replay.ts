/**
 * `tollgate replay <file…>`: a query history through today's estimator and a control document: how good the estimates
 * would have been, and who would have been warned, queued, refused or stopped. Needs no running Tollgate.
 */
import type { Command } from 'commander';
import type { Freeze } from '../../billing/freezes.js';
import { StandingBook } from '../../billing/standing-book.js';
import { SpendBook } from '../../proxy/running/spend-book.js';
import { demoControlDocument } from '../../policies/control/demo.js';
import type { ControlDocument } from '../../policies/control/document.js';
import { type ControlSnapshot, createSnapshot } from '../../policies/control/snapshot.js';
import { HistoryStore } from '../../policies/estimate/history-store.js';
import { createAnalyser } from '../../policies/sql/analyser.js';
import type { Analyser } from '../../policies/sql/facts.js';
import { adminClient } from '../admin-client.js';
import { configuration } from '../configuration.js';
import { readControlFile, problemLines } from '../control-file.js';
import { NO_TABLES, readStatistics } from '../explanation/statistics.js';
import { LIVE, type LiveControl, readLiveControl } from '../live-control.js';
import { replayJson } from '../replay/as-json.js';
import { replayText } from '../replay/as-text.js';
import { bookBudgets } from '../../admin/stores/book-budgets.js';
import { replay } from '../replay/engine.js';
import { readExport } from '../replay/export/read-export.js';
import type { HistorySource } from '../replay/history-source.js';
import { govern } from '../replay/judge.js';
import { observe } from '../replay/observe.js';
import { type LedgerHistory, openLedger } from '../replay/open-ledger.js';
import { openPredictions, type PredictionsWriter } from '../replay/predictions.js';
import type { ReplayFigures } from '../replay/tally.js';
import type { Terminal } from '../terminal.js';
import { VerbError } from '../verb-error.js';

interface ReplayOptions {
  readonly control?: string;
  readonly statistics?: string;
  readonly predictions?: string;
  readonly ledger?: string;
  readonly json?: boolean;
}

/** The word in place of a file that stands for the demo's document. */
const DEMO = 'demo';
/** Keys of the history: what a busy account has in months. */
const HISTORY_ENTRIES_MAX = 1_000_000;
/** Shapes whose pace is known at once: the live path reads what it forgot again, a replay cannot. */
const PACED_SHAPES_MAX = 50_000;
/**
 * Two texts are parsed at once, beside the thread that judges. Nobody waits for one of them, so a machine that is busy
 * with other work makes the replay longer and no text opaque.
 */
const PARSER = {
  workerCount: 2,
  spareCount: 0,
  queueLengthMax: 100_000,
  waitMsMax: 600_000,
  deadlineMs: 5_000,
} as const;
/** Facts of texts and of shapes are kept; what the parser said of a text is asked for no second time. */
const OUTCOME_BYTES_MAX = 1_048_576;

const NO_TEXTS: Analyser = {
  analyse: () => Promise.reject(new Error('a history without texts has none to be analysed')),
  stop: () => Promise.resolve(),
};

export function registerReplay(
  program: Command,
  terminal: Terminal,
  finish: (exitCode: number) => void,
): void {
  program
    .command('replay')
    .description('a query history through the estimator and a control document; needs no Tollgate')
    .argument('[files...]', 'exports of QUERY_HISTORY: CSV, CSV.GZ or Parquet, files or folders')
    .option(
      '--ledger <from..to>',
      "in place of files: Tollgate's own ledger, days in UTC, the last not included",
    )
    .option(
      '--control <path>',
      'the control document to decide by; demo: that of the demo, live: what the running Tollgate decides by; without it only estimates',
    )
    .option('--statistics <path>', 'JSON with sizes of tables; demo stands for those of the demo')
    .option('--predictions <path>', 'write one CSV line a statement: what was expected of it')
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(async (files: readonly string[], options: ReplayOptions) => {
      await run(files, options, terminal);
      finish(0);
    });
}

const HELP = `
Examples:
  tollgate replay history.csv
  tollgate replay history/ --control control.yaml --predictions expected.csv --json
  tollgate replay --ledger 2026-10-01..2026-11-01 --control next.yaml
Columns, and how to take an export: docs/replay.md`;

async function run(
  files: readonly string[],
  options: ReplayOptions,
  terminal: Terminal,
): Promise<void> {
  const control = await controlOf(options.control);
  const tables =
    options.statistics === undefined ? NO_TABLES : await readStatistics(options.statistics);
  const { source, imported, freezes } = await sourceOf(files, options.ledger, terminal);
  const governed =
    control === null
      ? null
      : {
          snapshot: createSnapshot(control.document, 0, imported ?? control.imported),
          freezes: freezes ?? control.freezes,
        };
  const snapshot = governed?.snapshot ?? null;
  const predictions =
    options.predictions === undefined ? undefined : await openPredictions(options.predictions);
  try {
    const figures = await runAll(source, governed, tables, predictions);
    await predictions?.finish();
    terminal.print(
      options.json === true
        ? JSON.stringify(replayJson(figures, source.intake, snapshot))
        : replayText(figures, source.intake, snapshot, terminal.columns),
    );
  } catch (thrown) {
    await predictions?.abandon();
    throw thrown;
  } finally {
    await source.close();
  }
}

/** What decides. */
interface Governed {
  readonly snapshot: ControlSnapshot;
  readonly freezes: readonly Freeze[];
}

async function runAll(
  source: HistorySource,
  governed: Governed | null,
  tables: typeof NO_TABLES,
  predictions: PredictionsWriter | undefined,
): Promise<ReplayFigures> {
  const history = new HistoryStore(HISTORY_ENTRIES_MAX);
  const spends = new SpendBook(PACED_SHAPES_MAX);
  const statistics = { ...tables.statistics, takenAt: source.intake.lastAt };
  const parts = { history, statistics };
  const snapshot = governed?.snapshot;
  const book =
    snapshot === undefined ? null : new StandingBook(bookBudgets(snapshot.document.budgets));
  // Hashes, and tickets of the ledger, need no parser.
  const analyser = source.intake.columns.includes('QUERY_TEXT')
    ? createAnalyser({ parser: PARSER, outcomeBytesMax: OUTCOME_BYTES_MAX })
    : NO_TEXTS;
  try {
    return await replay({
      source,
      judge:
        governed === null || book === null
          ? observe(parts)
          : govern(governed.snapshot, {
              ...parts,
              standing: (ids, at) => book.standing(ids, at),
              freezes: governed.freezes,
              spends,
            }),
      analyser,
      catalogue: tables.catalogue,
      history,
      book,
      spends,
      predict: async (rows) => await predictions?.write(rows),
    });
  } finally {
    await analyser.stop();
  }
}

/** Where a history comes from; what the ledger knew beside it, undefined of files. */
async function sourceOf(
  files: readonly string[],
  ledger: string | undefined,
  terminal: Terminal,
): Promise<{ readonly source: HistorySource } & Partial<Omit<LedgerHistory, 'source'>>> {
  if ((ledger === undefined) === (files.length === 0))
    throw new VerbError('Name the files of an export, or a span of the ledger with --ledger.', 2);
  return ledger === undefined
    ? { source: await readExport(files, (sentence) => terminal.complain(`tollgate: ${sentence}`)) }
    : await openLedger(ledger);
}

type DecidedBy = Pick<LiveControl, 'document' | 'imported' | 'freezes'>;

/** The document of a file, of the demo, or what the running Tollgate decides by; null: nothing is decided. */
async function controlOf(control: string | undefined): Promise<DecidedBy | null> {
  if (control === undefined) return null;
  const alone = (document: ControlDocument): DecidedBy => ({ document, imported: [], freezes: [] });
  if (control === DEMO) return alone(demoControlDocument());
  if (control === LIVE) {
    const { config, secrets } = configuration();
    return await readLiveControl(adminClient(config, secrets));
  }
  const read = readControlFile(control);
  if (read.ok) return alone(read.document);
  throw new VerbError(
    [`--control: ${control} is not valid:`, ...problemLines(control, read.problems)].join('\n'),
    2,
  );
}
