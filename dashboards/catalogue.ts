/** Every dashboard with the file it is committed as. */
import { moneyNow } from './money-now.js';

export interface RenderedDashboard {
  /** Name of the file in this folder. */
  readonly file: string;
  readonly text: string;
}

/** Builds all of them. The same text every time, so that a test can tell a committed file that is out of date. */
export function renderDashboards(): readonly RenderedDashboard[] {
  return [{ file: 'money-now.json', text: `${JSON.stringify(moneyNow(), null, 2)}\n` }];
}
