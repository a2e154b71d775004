/** Whether a running Prometheus has what dashboards and alerts ask for. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { renderDashboards } from '../../dashboards/catalogue.js';
import { metricsOf } from '../dashboards/promql.js';
import { ROOT } from '../drivers/places.js';
import { metricCatalogue } from '../support/metric-catalogue.js';

const QUERY = z.object({ status: z.string(), error: z.string().optional() });
const NAMES = z.object({ data: z.array(z.string()) });
const RULES = z.object({
  groups: z.array(z.object({ rules: z.array(z.object({ expr: z.string() })) })),
});

/** What was asked of it. */
export interface Promised {
  readonly expressions: number;
  /** Expressions that Prometheus does not take, with what it says. */
  readonly refused: readonly string[];
  readonly metrics: number;
  /** Metrics that nothing has shown: those with labels appear with their first event. */
  readonly unseen: readonly string[];
}

/** Asks every expression of every panel and alert, and for every metric in them. */
export async function askPrometheus(port: number): Promise<Promised> {
  const origin = `http://127.0.0.1:${port}`;
  const expressions = [...new Set([...panelExpressions(), ...alertExpressions()])];
  const refused: string[] = [];
  for (const expression of expressions) {
    const query = expression
      .replaceAll('$__rate_interval', '1m')
      .replaceAll(/\$__(interval|range)/g, '5m');
    const answer = await fetch(
      `${origin}/api/v1/query?${new URLSearchParams({ query }).toString()}`,
    );
    const { status, error } = QUERY.parse(await answer.json());
    if (status !== 'success') refused.push(`${query}: ${error ?? status}`);
  }
  const catalogue = new Map(metricCatalogue().metrics.map((metric) => [metric.name, metric]));
  const asked = new Set(
    expressions.flatMap((expression) => metricsOf(expression, catalogue).metrics),
  );
  const { data } = NAMES.parse(
    await (await fetch(`${origin}/api/v1/label/__name__/values`)).json(),
  );
  const there = new Set(data);
  return {
    expressions: expressions.length,
    refused,
    metrics: asked.size,
    unseen: [...asked].filter((name) => !there.has(name) && !there.has(`${name}_count`)).sort(),
  };
}

function panelExpressions(): readonly string[] {
  const boards = renderDashboards().map(({ text }) => JSON.parse(text) as unknown);
  const expressions: string[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [name, member] of Object.entries(value)) {
      if (name === 'expr' && typeof member === 'string') expressions.push(member);
      else visit(member);
    }
  };
  visit(boards);
  return expressions;
}

function alertExpressions(): readonly string[] {
  const folder = path.join(ROOT, 'dashboards/alerts');
  return readdirSync(folder).flatMap((file) =>
    RULES.parse(parse(readFileSync(path.join(folder, file), 'utf8'))).groups.flatMap(({ rules }) =>
      rules.map(({ expr }) => expr),
    ),
  );
}
