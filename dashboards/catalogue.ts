/** Every dashboard with the file it is committed as. */
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { financeMonth } from './finance-month.js';
import { moneyNow } from './money-now.js';
import { platform } from './platform.js';
import { queryShapes } from './query-shapes.js';
import { team } from './team.js';

export interface RenderedDashboard {
  /** Name of the file in this folder. */
  readonly file: string;
  readonly text: string;
}

/** Builds all of them. The same text every time, so that a test can tell a committed file that is out of date. */
export function renderDashboards(): readonly RenderedDashboard[] {
  return [
    rendered('finance-month', financeMonth()),
    rendered('money-now', moneyNow()),
    rendered('platform', platform()),
    rendered('query-shapes', queryShapes()),
    rendered('team', team()),
  ];
}

function rendered(name: string, dashboard: Dashboard): RenderedDashboard {
  return { file: `${name}.json`, text: `${JSON.stringify(dashboard, null, 2)}\n` };
}
