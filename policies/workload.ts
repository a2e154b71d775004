/**
 * Which workload of its team a statement belongs to: a dbt model, a DAG, a dashboard. Read from what tools write of
 * themselves into the query tag and into comments before and after the statement, else from the application's name.
 * Anybody may write such a thing, so it never chooses the team. Formats: docs/identity.md, with their sources.
 */
import { commentsAround } from './workload-comments.js';
import { recogniseJson, recogniseText } from './workload-tools.js';
import type { Origin, ToolSign } from './workload-tools.js';

/** Longest workload, in characters. */
export const WORKLOAD_LENGTH_MAX = 200;
/** Longest tag or comment that is read, in characters. */
const SIGN_LENGTH_MAX = 4096;

/** What a statement says of where it comes from. */
export interface WorkloadSigns {
  readonly queryTag: string | null;
  readonly sqlText: string;
  /** Application or driver, as the login or the request named it. */
  readonly application: string | null;
}

export interface Workload {
  /** `dbt`, `airflow`, `looker`, …; `client` when only the application is known. */
  readonly tool: string;
  readonly name: string;
}

/**
 * The workload, or null when nothing tells. A comment that names a thing wins over the tag, the tag over a tool
 * without a name, that over the application. Total, and linear in 4 KB of either end of the text.
 */
export function recogniseWorkload(signs: WorkloadSigns): Workload | null {
  return recogniseWork(signs).workload;
}

/** The workload, and what every tool beside the statement says of its origin, the first that does: dbt run by a DAG has both. */
export function recogniseWork(signs: WorkloadSigns): {
  readonly workload: Workload | null;
  readonly origin: Origin | null;
} {
  const texts = [...commentsAround(signs.sqlText, SIGN_LENGTH_MAX), signs.queryTag ?? ''];
  const found = texts.flatMap((text) => recogniseSign(text.trim()) ?? []);
  const origin: Origin = Object.assign({}, ...found.map((sign) => sign.origin ?? {}).toReversed());
  return {
    workload: workloadIn(found, signs),
    origin: Object.keys(origin).length === 0 ? null : origin,
  };
}

function workloadIn(found: readonly ToolSign[], signs: WorkloadSigns): Workload | null {
  const best = found.find((sign) => sign.name !== null) ?? found[0];
  if (best !== undefined) return { tool: best.tool, name: cleaned(best.name ?? '') || 'unnamed' };
  const application = cleaned(signs.application ?? '');
  return application === '' ? null : { tool: 'client', name: application };
}

/** `dbt/jaffle_shop.customers`, as tickets, rules and budgets have it; at most {@link WORKLOAD_LENGTH_MAX} long. */
export function workloadText({ tool, name }: Workload): string {
  return whole(`${tool}/${name}`);
}

function recogniseSign(text: string): ToolSign | undefined {
  if (text === '' || text.length > SIGN_LENGTH_MAX) return undefined;
  return text.startsWith('{') ? recogniseJson(text) : recogniseText(text);
}

/** One line of printable characters. */
function cleaned(text: string): string {
  return whole(
    text
      .slice(0, SIGN_LENGTH_MAX)
      .replace(/[\p{C}\p{Z}\s]+/gu, ' ')
      .trim(),
  );
}

/** At most the longest workload, and no half of a surrogate pair at its end. */
function whole(text: string): string {
  return text.slice(0, WORKLOAD_LENGTH_MAX).replace(/[\ud800-\udbff]$/, '');
}
