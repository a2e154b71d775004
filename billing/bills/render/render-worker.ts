/** Entry of a thread that renders one bill or one month, and ends. It runs from the build only. */
import { type MessagePort, parentPort } from 'node:worker_threads';
import { must } from '#base/assert.js';
import { toError } from '#base/errors.js';
import { type BillFile, renderBill, renderMonth } from '../bill-files.js';
import type { BilledMonth, MonthHead, TeamBill } from '../billed-month.js';
import type { RenderMessage, RenderRequest, RenderTask } from './render-messages.js';

interface Asked {
  readonly month: MonthHead;
  readonly task: RenderTask;
}

function serve(port: MessagePort): void {
  const bills: TeamBill[] = [];
  let asked: Asked | undefined;
  port.on('message', (request: RenderRequest) => {
    switch (request.kind) {
      case 'head':
        asked = request;
        return;
      case 'bill':
        bills.push(request.bill);
        return;
      case 'render': {
        const { month, task } = must(asked, 'the head comes first');
        void render(port, { ...month, bills }, task);
        return;
      }
    }
  });
}

async function render(port: MessagePort, month: BilledMonth, task: RenderTask): Promise<void> {
  const tell = (message: RenderMessage): void => port.postMessage(message);
  try {
    for await (const file of filesOf(month, task)) tell({ kind: 'file', file });
    tell({ kind: 'done' });
  } catch (thrown) {
    const error = toError(thrown);
    tell({ kind: 'failed', why: error.stack ?? error.message });
  }
  port.close();
}

async function* filesOf(month: BilledMonth, task: RenderTask): AsyncGenerator<BillFile> {
  if (task.kind === 'month') yield* renderMonth(month);
  else yield await renderBill(month, must(month.bills[0], 'a bill'), task.form, task.options);
}

if (parentPort !== null) serve(parentPort);
