/** A query of Grafana's PostgreSQL data source, for which the builder library has no class. */
import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';

/** Plugin id of Grafana's PostgreSQL data source. */
export const POSTGRES_TYPE = 'grafana-postgresql-datasource';

/** The data source, chosen in the dashboard's own variable. */
export const DATASOURCE: { readonly type: string; readonly uid: string } = {
  type: POSTGRES_TYPE,
  uid: '${datasource}',
};

/** What the frontend makes of the rows: series by the text column `metric`, or a table as it is. */
export type ResultFormat = 'time_series' | 'table';

interface SqlQuery extends Dataquery {
  readonly refId: string;
  readonly datasource: typeof DATASOURCE;
  readonly format: ResultFormat;
  readonly rawQuery: true;
  readonly editorMode: 'code';
  readonly rawSql: string;
}

/** Query A of a panel. Amounts are cast to float8 in the SQL, because charts take nothing else. */
export function sqlQuery(format: ResultFormat, rawSql: string): Builder<Dataquery> {
  const query: Omit<SqlQuery, '_implementsDataqueryVariant'> = {
    refId: 'A',
    datasource: DATASOURCE,
    format,
    rawQuery: true,
    editorMode: 'code',
    rawSql,
  };
  // The library marks queries by a method, which JSON leaves out.
  return { build: () => ({ ...query, _implementsDataqueryVariant: () => undefined }) };
}
