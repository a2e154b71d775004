/** The SQL of the dashboards as Grafana would ask it when a board is opened. */
import { z } from 'zod';
import { renderDashboards } from '../../dashboards/catalogue.js';
import type { TimeRange } from './macros.js';

const BOARD = z.object({
  title: z.string(),
  time: z.object({ from: z.string(), to: z.literal('now') }),
  templating: z.object({
    list: z.array(
      z.object({
        name: z.string(),
        type: z.string(),
        query: z.unknown(),
        multi: z.boolean().optional(),
      }),
    ),
  }),
  panels: z.array(
    z.object({
      title: z.string(),
      targets: z.array(z.object({ rawSql: z.string().optional() })).optional(),
    }),
  ),
});

/** One query of a panel. */
export interface PanelQuery {
  readonly board: string;
  readonly panel: string;
  /** With its macros. */
  readonly rawSql: string;
  /** Where the board opens: `now-24h`, `now/M`. */
  readonly opensAt: string;
  /** Several teams may be chosen at once. */
  readonly isOfTeams: boolean;
}

function boards(): readonly z.infer<typeof BOARD>[] {
  return renderDashboards().map(({ text }) => BOARD.parse(JSON.parse(text)));
}

/** Every query of every SQL panel. */
export function panelQueries(): readonly PanelQuery[] {
  return boards().flatMap(({ title: board, time, templating, panels }) =>
    panels.flatMap(({ title: panel, targets = [] }) =>
      targets.flatMap(({ rawSql }) =>
        rawSql === undefined
          ? []
          : {
              board,
              panel,
              rawSql,
              opensAt: time.from,
              isOfTeams: templating.list.some(
                ({ name, multi }) => name === 'team' && multi === true,
              ),
            },
      ),
    ),
  );
}

/** Every query that gives a variable its values, once. */
export function variableQueries(): readonly string[] {
  const queries = boards().flatMap(({ templating }) =>
    templating.list.flatMap(({ type, query }) =>
      type === 'query' ? [z.string().parse(query)] : [],
    ),
  );
  return [...new Set(queries)];
}

const HOUR_MS = 3_600_000;

/** The range that a board opens with, `now` being the end. Throws for one that is not `now-<n>h`, `now-<n>d` or `now/M`. */
export function openingRange(opensAt: string, now: Date): TimeRange {
  if (opensAt === 'now/M')
    return { from: new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth())), to: now };
  const [, count = '', unit = ''] = /^now-(\d+)([hd])$/.exec(opensAt) ?? [];
  if (unit === '') throw new Error(`not a range that a board opens with: ${opensAt}`);
  const spanMs = Number(count) * HOUR_MS * (unit === 'd' ? 24 : 1);
  return { from: new Date(now.getTime() - spanMs), to: now };
}

const FLOAT8 = 701;
const INSTANT = 1184;
const TEXTS: ReadonlySet<number> = new Set([25, 19, 1043]);

/** Whether Grafana shows a column as what it is: an amount, an instant or a text; `time` may be seconds of any kind. */
export function isTyped(column: { readonly name: string; readonly dataTypeID: number }): boolean {
  const { name, dataTypeID } = column;
  return (
    name === 'time' || dataTypeID === FLOAT8 || dataTypeID === INSTANT || TEXTS.has(dataTypeID)
  );
}
