/** The few kinds of panels that our dashboards are made of, and how they are laid out. */
import * as bargauge from '@grafana/grafana-foundation-sdk/bargauge';
import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import * as common from '@grafana/grafana-foundation-sdk/common';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import * as stat from '@grafana/grafana-foundation-sdk/stat';
import * as grid from '@grafana/grafana-foundation-sdk/table';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';
import { LEDGER, POSTGRES_TYPE, PROMETHEUS_TYPE, type PanelQuery } from './queries.js';

export const CREDITS = 'suffix: credits';

/** A panel with its width on a grid of 24. */
export interface Tile {
  readonly panel: PanelBuilder;
  readonly w: number;
}

/** What every builder of a panel has. */
interface PanelBuilder extends Builder<dashboard.Panel> {
  id(id: number): unknown;
  gridPos(position: dashboard.GridPos): unknown;
}

/** What a panel says, and what it reads. */
export interface PanelText {
  readonly title: string;
  /** A sentence for people. */
  readonly description: string;
  readonly unit: string;
  readonly decimals?: number;
}

export interface Board {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly from: string;
  readonly variables: readonly dashboard.QueryVariableBuilder[];
  /** Rows from top to bottom, each as high as it says. */
  readonly rows: readonly { readonly h: number; readonly tiles: readonly Tile[] }[];
}

/** The dashboard in Grafana's classic model. Panels are numbered and placed in their order. */
export function buildBoard(board: Board): dashboard.Dashboard {
  const builder = new dashboard.DashboardBuilder(`Tollgate: ${board.title}`)
    .uid(board.uid)
    .description(board.description)
    .tags(['tollgate'])
    .timezone('utc')
    .readonly()
    .refresh('30s')
    .time({ from: board.from, to: 'now' })
    .withVariable(
      new dashboard.DatasourceVariableBuilder('datasource').label('Ledger').type(POSTGRES_TYPE),
    )
    .withVariable(
      new dashboard.DatasourceVariableBuilder('metrics').label('Metrics').type(PROMETHEUS_TYPE),
    );
  for (const variable of board.variables) builder.withVariable(variable);
  let [id, y] = [0, 0];
  for (const { h, tiles } of board.rows) {
    let x = 0;
    for (const { panel, w } of tiles) {
      id += 1;
      panel.id(id);
      panel.gridPos({ x, y, w, h });
      builder.withPanel(panel);
      x += w;
    }
    y += h;
  }
  return bySchema(builder.build());
}

/** Without what the library writes by default and the schema of our Grafana does not know (any more). */
function bySchema(built: dashboard.Dashboard): dashboard.Dashboard {
  for (const variable of built.templating?.list ?? []) {
    delete variable.auto;
    delete variable.auto_min;
    delete variable.auto_count;
  }
  for (const panel of built.panels ?? []) {
    if (panel.type !== 'table' || !('options' in panel)) continue;
    const { footer: _, ...options } = panel.options as Record<string, unknown>;
    panel.options = options;
  }
  return built;
}

/** Teams to choose from; `isMulti`: several, and all of them at first. */
export function teamVariable(isMulti: boolean): dashboard.QueryVariableBuilder {
  const variable = new dashboard.QueryVariableBuilder('team')
    .label('Team')
    .datasource(LEDGER)
    .query('SELECT team_id FROM tollgate.dash_team ORDER BY team_id')
    .refresh(dashboard.VariableRefresh.OnDashboardLoad)
    .sort(dashboard.VariableSort.AlphabeticalAsc)
    .multi(isMulti)
    .includeAll(isMulti);
  return isMulti
    ? variable.current({ selected: true, text: ['All'], value: ['$__all'] })
    : variable;
}

const lastRow = (): common.ReduceDataOptionsBuilder =>
  new common.ReduceDataOptionsBuilder().values(true).calcs(['lastNotNull']);

/** One number, or a few beside each other. */
export function figure(w: number, text: PanelText, query: PanelQuery): Tile {
  const panel = new stat.PanelBuilder()
    .title(text.title)
    .description(text.description)
    .datasource(query.source)
    .unit(text.unit)
    .decimals(text.decimals ?? 0)
    .noValue('0')
    .graphMode(common.BigValueGraphMode.None)
    .reduceOptions(lastRow())
    .withTarget(query.target);
  return { panel, w };
}

/** Bars that lie beside each other, one a row. */
export function ranking(w: number, text: PanelText, query: PanelQuery): Tile {
  const panel = new bargauge.PanelBuilder()
    .title(text.title)
    .description(text.description)
    .datasource(query.source)
    .unit(text.unit)
    .decimals(text.decimals ?? 3)
    .min(0)
    .orientation(common.VizOrientation.Horizontal)
    .reduceOptions(new common.ReduceDataOptionsBuilder().values(true).limit(50))
    .withTarget(query.target);
  return { panel, w };
}

/** How a column is shown where it is not as the panel says. */
export interface Column {
  readonly unit?: string;
  readonly decimals?: number;
  readonly width?: number;
  /** A bar from 0 to 1 that turns orange at 0.8 and red at 1. */
  readonly isShare?: true;
}

/** Rows as they are. */
export function table(
  w: number,
  text: PanelText,
  query: PanelQuery,
  columns: Readonly<Record<string, Column>> = {},
): Tile {
  const panel = new grid.PanelBuilder()
    .title(text.title)
    .description(text.description)
    .datasource(query.source)
    .unit(text.unit)
    .decimals(text.decimals ?? 3)
    .withTarget(query.target);
  for (const [name, column] of Object.entries(columns))
    panel.overrideByName(name, propertiesOf(column));
  return { panel, w };
}

function propertiesOf({ unit, decimals, width, isShare }: Column): dashboard.DynamicConfigValue[] {
  const share = [
    { id: 'unit', value: 'percentunit' },
    { id: 'decimals', value: 1 },
    { id: 'custom.cellOptions', value: { type: 'gauge', mode: 'basic' } },
    { id: 'min', value: 0 },
    { id: 'max', value: 1 },
    {
      id: 'thresholds',
      value: {
        mode: 'absolute',
        steps: [
          { color: 'green', value: null },
          { color: 'orange', value: 0.8 },
          { color: 'red', value: 1 },
        ],
      },
    },
  ];
  return [
    ...(isShare === true ? share : []),
    ...(unit === undefined ? [] : [{ id: 'unit', value: unit }]),
    ...(decimals === undefined ? [] : [{ id: 'decimals', value: decimals }]),
    ...(width === undefined ? [] : [{ id: 'custom.width', value: width }]),
  ];
}

/** Bars over time, stacked. */
export function bars(w: number, text: PanelText, ...queries: readonly PanelQuery[]): Tile {
  const panel = series(text, queries)
    .drawStyle(common.GraphDrawStyle.Bars)
    .fillOpacity(80)
    .stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal).group('A'));
  return { panel, w };
}

/** Lines over time. */
export function lines(w: number, text: PanelText, ...queries: readonly PanelQuery[]): Tile {
  return { panel: series(text, queries).drawStyle(common.GraphDrawStyle.Line).fillOpacity(5), w };
}

function series(text: PanelText, queries: readonly PanelQuery[]): timeseries.PanelBuilder {
  const panel = new timeseries.PanelBuilder()
    .title(text.title)
    .description(text.description)
    .datasource(queries[0]?.source ?? LEDGER)
    .unit(text.unit)
    .min(0);
  if (text.decimals !== undefined) panel.decimals(text.decimals);
  for (const { target } of queries) panel.withTarget(target);
  return panel;
}
