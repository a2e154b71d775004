/**
 * Renders bills off the event loop: a bill takes a tenth of a second, a month many, and the process that renders may serve
 * statements. A thread a task; one task runs at a time, the others wait their turn.
 */
import { once, on } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Turns } from '#base/turns.js';
import type { CsvOptions } from '../bill-csv.js';
import { type BillFile, type BillForm, isDrawn, renderBill } from '../bill-files.js';
import type { BilledMonth, MonthHead, TeamBill } from '../billed-month.js';
import type { RenderMessage, RenderRequest, RenderTask } from './render-messages.js';

export interface BillRenderer {
  /** One bill in one form; undefined: too many wait already. */
  bill(
    month: MonthHead,
    bill: TeamBill,
    form: BillForm,
    options?: CsvOptions,
  ): Promise<BillFile | undefined>;
  /** All files of a month, the manifest last; undefined: too many wait already. */
  month(month: BilledMonth): Promise<AsyncGenerator<BillFile> | undefined>;
}

/** Tasks at once, those that wait included. */
const RENDERS_MAX = 16;
/** A month of a hundred thousand lines takes about a gigabyte. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 2_048 } as const;

/**
 * A renderer whose threads live for one task each. What is asked for while {@link RENDERS_MAX} are at work or wait is
 * undefined; a thread that breaks rejects with why.
 */
export function createBillRenderer(): BillRenderer {
  const turns = new Turns({ ofNameMax: RENDERS_MAX, namesMax: 1 });
  return {
    bill: async (month, bill, form, options = {}) => {
      // A text of some thousand lines takes milliseconds, a thread for it would take longer.
      if (!isDrawn(form)) return renderBill(month, bill, form, options);
      const worker = await launch(turns);
      if (worker === undefined) return undefined;
      const task: RenderTask = { kind: 'bill', form, options };
      for await (const file of rendered(worker, headOf(month), [bill], task)) return file;
      throw new Error('The thread that renders bills made none.');
    },
    month: async (month) => {
      const worker = await launch(turns);
      return worker === undefined
        ? undefined
        : rendered(worker, headOf(month), month.bills, { kind: 'month' });
    },
  };
}

/** Starts a thread when it is its turn; the turn ends with the thread. */
function launch(turns: Turns): Promise<Worker | undefined> {
  return new Promise((resolve, reject) => {
    const turn = turns.run('bills', async () => {
      const worker = new Worker(workerUrl(), { execArgv: [], resourceLimits: RESOURCE_LIMITS });
      const ended = once(worker, 'exit');
      resolve(worker);
      await ended.catch(() => undefined);
      return true;
    });
    turn.then((ran) => {
      if (ran === undefined) resolve(undefined);
    }, reject);
  });
}

async function* rendered(
  worker: Worker,
  month: MonthHead,
  bills: readonly TeamBill[],
  task: RenderTask,
): AsyncGenerator<BillFile> {
  try {
    const messages = on(worker, 'message', { close: ['exit'] });
    const tell = (request: RenderRequest): void => worker.postMessage(request);
    tell({ kind: 'head', month, task });
    for (const bill of bills) {
      tell({ kind: 'bill', bill });
      await new Promise(setImmediate);
    }
    tell({ kind: 'render' });
    for await (const [message] of messages as AsyncIterable<[RenderMessage]>)
      switch (message.kind) {
        case 'file':
          yield message.file;
          break;
        case 'done':
          return;
        case 'failed':
          throw new Error(`A bill was not rendered: ${message.why}`);
      }
    throw new Error('The thread that renders bills ended before it was done.');
  } finally {
    await worker.terminate();
  }
}

/** Without the bills, of which a caller may have passed all: they go to the thread one by one. */
function headOf(month: MonthHead & { readonly bills?: unknown }): MonthHead {
  const { bills: _bills, ...head } = month;
  return head;
}

/** The built worker, also when this module runs as a source under the test runner. */
function workerUrl(): URL {
  const isSource = import.meta.url.endsWith('.ts');
  return new URL(
    isSource ? '../../../dist/billing/bills/render/render-worker.js' : './render-worker.js',
    import.meta.url,
  );
}
