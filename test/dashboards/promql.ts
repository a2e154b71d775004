/** The names that a PromQL expression asks for. Not a parser: promtool is, where it is installed (.ci/run). */
import type { MetricDescription } from '../../base/metrics.js';

/** Metrics of others, and labels that Prometheus or our scrape configuration adds. */
const FOREIGN = new Set(['up', 'nodejs_eventloop_lag_p99_seconds']);
const ADDED_LABELS = new Set(['job', 'role', 'instance', 'le']);
const WORDS = new Set(['by', 'without', 'on', 'ignoring', 'and', 'or', 'unless', 'offset', 'bool']);

/** Metrics and labels of an expression, and those of them that do not exist. */
export function metricsOf(
  expr: string,
  known: ReadonlyMap<string, Pick<MetricDescription, 'kind' | 'labels'>>,
): { readonly metrics: readonly string[]; readonly unknown: readonly string[] } {
  const selectors = [...expr.matchAll(/\{([^}]*)\}/g)].flatMap((match) =>
    [...(match[1] ?? '').matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map((pair) => pair[1] ?? ''),
  );
  const groups = [...expr.matchAll(/\b(?:by|on|without|ignoring)\s*\(([^)]*)\)/g)].flatMap(
    (match) => (match[1] ?? '').split(',').map((label) => label.trim()),
  );
  const bare = expr
    .replace(/\{[^}]*\}|\[[^\]]*\]|"[^"]*"/g, ' ')
    .replace(/\b(?:by|on|without|ignoring)\s*\([^)]*\)/g, ' ')
    .replace(/\boffset\s+\w+/g, ' ');
  const names = [...bare.matchAll(/\b[a-zA-Z_:][\w:]*\b(?!\s*\()/g)]
    .map((match) => match[0])
    .filter((name) => !WORDS.has(name));
  const labels = new Set([...selectors, ...groups].filter((label) => label !== ''));
  const found = names.map((name) => known.get(name) ?? histogram(name, known));
  const allowed = new Set([...ADDED_LABELS, ...found.flatMap((each) => each?.labels ?? [])]);
  return {
    metrics: names,
    unknown: [
      ...names.filter((name, index) => found[index] === undefined && !FOREIGN.has(name)),
      ...[...labels].filter((label) => !allowed.has(label)),
    ],
  };
}

function histogram(
  name: string,
  known: ReadonlyMap<string, Pick<MetricDescription, 'kind' | 'labels'>>,
): Pick<MetricDescription, 'labels'> | undefined {
  const of = known.get(name.replace(/_(bucket|sum|count)$/, ''));
  return of?.kind === 'histogram' && !known.has(name) ? of : undefined;
}
