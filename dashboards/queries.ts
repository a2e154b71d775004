/** Queries of Grafana's PostgreSQL and Prometheus data sources, for which the builder library has no common class. */
import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';

/** Plugin ids of Grafana's data sources. */
export const POSTGRES_TYPE = 'grafana-postgresql-datasource';
export const PROMETHEUS_TYPE = 'prometheus';

/** A data source, chosen in a variable of the dashboard. */
export interface DataSource {
  readonly type: string;
  readonly uid: string;
}

export const LEDGER: DataSource = { type: POSTGRES_TYPE, uid: '${datasource}' };
export const METRICS: DataSource = { type: PROMETHEUS_TYPE, uid: '${metrics}' };

/** What the frontend makes of the rows: series by the text column `metric`, or a table as it is. */
export type ResultFormat = 'time_series' | 'table';

/** A query with the data source that its panel reads. */
export interface PanelQuery {
  readonly source: DataSource;
  readonly target: Builder<Dataquery>;
}

/** SQL on the ledger. Amounts are cast to float8 where they are drawn, because charts take nothing else. */
export function sqlQuery(format: ResultFormat, rawSql: string, refId = 'A'): PanelQuery {
  return {
    source: LEDGER,
    target: marked({
      refId,
      datasource: LEDGER,
      format,
      rawQuery: true,
      editorMode: 'code',
      rawSql: rawSql.trim(),
    }),
  };
}

/** The column `shape`: the text of the shape of a row, by its team and fingerprint. */
export const shapeText = (row: string, most = 300): string =>
  `left((SELECT min(s.statement_shape) FROM tollgate.dash_shape s WHERE s.team_id = ${row}.team_id AND s.fingerprint = ${row}.fingerprint), ${most}) AS shape`;

/** PromQL; `legend` names the series by `{{label}}`. `instant`: the newest value only. */
export function promQuery(
  expr: string,
  legend: string,
  options: { readonly refId?: string; readonly isInstant?: boolean } = {},
): PanelQuery {
  const { refId = 'A', isInstant = false } = options;
  return {
    source: METRICS,
    target: marked({
      refId,
      datasource: METRICS,
      editorMode: 'code',
      expr,
      legendFormat: legend,
      instant: isInstant,
      range: !isInstant,
    }),
  };
}

/** The library marks queries by a method, which JSON leaves out. */
function marked<Query extends object>(query: Query): Builder<Dataquery> {
  return { build: () => ({ ...query, _implementsDataqueryVariant: () => undefined }) };
}
