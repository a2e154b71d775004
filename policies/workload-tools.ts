/**
 * What each tool writes of itself, one recogniser a form. Sources: dbt, "query-comment" (docs.getdbt.com) and the
 * package get-select/dbt-snowflake-query-tags; Monte Carlo, "Airflow in Lineage" (keys of Airflow's tags); DataHub's
 * `tool_meta_extractor.py` (Looker, Hex, Mode); metabase/metabase `query_processor/util.clj` and its Redshift driver's
 * tests; Superset's `SQL_QUERY_MUTATOR` (config.py, issue 29466, pull requests 27298 and 41215); Tableau, "Query
 * Tagging" (`tableau-query-origins`); Sigma's comments and tags in public query logs.
 */

/** A tool, and which of its things; null when it does not say. */
export interface ToolSign {
  readonly tool: string;
  readonly name: string | null;
  readonly origin?: Origin;
}

/** What a tool says of a statement beside the workload's name; each at most {@link ORIGIN_LENGTH_MAX} characters. */
export interface Origin {
  /** `<project>.<model>` of dbt. */
  readonly model?: string;
  /** One run of the tool: dbt's invocation, a run of a DAG. */
  readonly run?: string;
  readonly dag?: string;
  /** `<tool>/<dashboard>`; workbooks and reports too. */
  readonly dashboard?: string;
}

export const ORIGIN_LENGTH_MAX = 200;

type Fields = Readonly<Record<string, unknown>>;

/** A tag or comment that is a JSON object; undefined for one that no tool of ours writes. */
export function recogniseJson(text: string): ToolSign | undefined {
  const fields = fieldsOf(text);
  if (fields === undefined) return undefined;
  return dbt(fields) ?? tableau(fields) ?? mode(fields) ?? superset(fields) ?? airflow(fields);
}

/** A comment or tag that begins with a tool's own words. */
export function recogniseText(text: string): ToolSign | undefined {
  if (text.startsWith('Looker Query Context')) return looker(quotedFields(text));
  if (text.startsWith('Hex query metadata:')) return hex(quotedFields(text));
  if (text.startsWith('Sigma \u03a3')) return sigma(quotedFields(text));
  if (text === 'Metabase' || text.startsWith('Metabase::')) return metabase(text);
  if (/^(?:\/\* )?partner: "metabase"/.test(text)) return metabasePartner(text);
  if (text.startsWith('[SQL LAB]')) return { tool: 'superset', name: 'sql-lab' };
  if (/^superset query context/i.test(text)) return supersetNamed(quotedFields(text) ?? {});
  const superset = /^(dashboard|chart|slice)_id: ?(\d{1,18})$/.exec(text);
  if (superset !== null) {
    const name = `${superset[1] ?? ''}-${superset[2] ?? ''}`;
    return onDashboard('superset', name, superset[1] === 'dashboard' ? name : null);
  }
  return undefined;
}

/** `{"app": "dbt", "node_id": "model.<project>.<model>", …}`; hooks and metadata queries have no node. */
function dbt(fields: Fields): ToolSign | undefined {
  if (fields['app'] !== 'dbt') return undefined;
  const node = text(fields, 'node_id');
  // The kind of the node goes: `model.shop.orders` is `shop.orders`.
  const withoutKind = node?.slice(node.indexOf('.') + 1);
  const isModel = /^(?:model|seed|snapshot)\./.test(node ?? '');
  return {
    tool: 'dbt',
    name: withoutKind ?? text(fields, 'project_name', 'profile_name') ?? null,
    origin: origin({
      model: isModel ? withoutKind : undefined,
      run: text(fields, 'invocation_id', 'dbt_cloud_run_id'),
    }),
  };
}

const DAG_KEYS = [
  'dag_id',
  'airflow_dag_id',
  'airflow_dag',
  'AIRFLOW_CTX_DAG_ID',
  'AIRFLOW_DAG_ID',
  'DAG_ID',
  'dag_name',
  'dag',
];
const DAG_RUN_KEYS = [
  'dag_run_id',
  'airflow_dag_run_id',
  'AIRFLOW_CTX_DAG_RUN_ID',
  'AIRFLOW_DAG_RUN_ID',
  'run_id',
];
const TASK_KEYS = [
  'task_id',
  'airflow_task_id',
  'airflow_task',
  'AIRFLOW_CTX_TASK_ID',
  'AIRFLOW_TASK_ID',
  'TASK_ID',
  'task_name',
  'task',
];

function airflow(fields: Fields): ToolSign | undefined {
  const dag = text(fields, ...DAG_KEYS);
  if (dag === undefined) return undefined;
  const task = text(fields, ...TASK_KEYS);
  return {
    tool: 'airflow',
    name: task === undefined ? dag : `${dag}.${task}`,
    origin: origin({ dag, run: text(fields, ...DAG_RUN_KEYS) }),
  };
}

/** `'{"user_id":6,"history_slug":"…","instance_slug":"…"}'`: derived tables have no user. */
function looker(fields: Fields | undefined): ToolSign {
  const user = text(fields ?? {}, 'user_id');
  return { tool: 'looker', name: user === undefined ? 'system' : `user-${user}` };
}

function hex(fields: Fields | undefined): ToolSign {
  return { tool: 'hex', name: text(fields ?? {}, 'project_name', 'project_id') ?? null };
}

/** `{"sourceUrl":"https://app.sigmacomputing.com/<org>/workbook/<name>-<id>?…", …}`. */
function sigma(fields: Fields | undefined): ToolSign {
  const path = text(fields ?? {}, 'sourceUrl')?.split(/[?#]/, 1)[0] ?? '';
  const name = path.slice(path.lastIndexOf('/') + 1);
  return name === '' ? { tool: 'sigma', name: null } : onDashboard('sigma', name, name);
}

/** `{"user":"@…","url":"https://modeanalytics.com/<org>/reports/<id>/…","scheduled":false}`. */
function mode(fields: Fields): ToolSign | undefined {
  const url = text(fields, 'url') ?? '';
  if (!/^https:\/\/(?:app\.)?mode(?:analytics)?\.com\//.test(url)) return undefined;
  const [, kind = '', id] = /\/(reports|datasets)\/([\w-]{1,64})/.exec(url) ?? [];
  const name = id === undefined ? null : `${kind.slice(0, -1)}-${id}`;
  return onDashboard('mode', name, kind === 'reports' ? name : null);
}

/** `{"tableau-query-origins": {"workbook-luid": …, "dashboard-luid": …}}`, or Initial SQL with Tableau's parameters. */
function tableau(fields: Fields): ToolSign | undefined {
  const origins = fields['tableau-query-origins'];
  if (isFields(origins)) {
    const name = text(
      origins,
      'workbook-luid',
      'dashboard-luid',
      'worksheet-luid',
      'query-category',
    );
    return onDashboard(
      'tableau',
      name ?? null,
      text(origins, 'dashboard-luid', 'workbook-luid') ?? null,
    );
  }
  const workbook = text(fields, 'WorkbookName', 'TableauWorkbook');
  return workbook === undefined ? undefined : onDashboard('tableau', workbook, workbook);
}

/** `Metabase:: userID: 1 queryType: MBQL queryHash: <hex>`; what its own jobs send is the bare name. */
function metabase(remark: string): ToolSign {
  const dashboard = number(remark, 'dashboardID: ', 'dashboard-') ?? null;
  const named = dashboard ?? number(remark, 'cardID: ', 'card-');
  const hash = /queryHash: ([0-9a-f]{8,64})/.exec(remark)?.[1];
  const name = named ?? (hash === undefined ? null : `query-${hash.slice(0, 12)}`);
  return onDashboard('metabase', name, dashboard);
}

/** `partner: "metabase", {"dashboard_id":5678,"chart_id":1234, …}`. */
function metabasePartner(remark: string): ToolSign {
  const fields = quotedFields(remark) ?? {};
  const dashboard = numbered(fields, 'dashboard_id', 'dashboard-') ?? null;
  return onDashboard(
    'metabase',
    dashboard ?? numbered(fields, 'chart_id', 'card-') ?? null,
    dashboard,
  );
}

function superset(fields: Fields): ToolSign | undefined {
  const isNamed = ['app', 'application', 'source', 'tool'].some(
    (key) => text(fields, key)?.toLowerCase() === 'superset',
  );
  return isNamed || 'slice_id' in fields ? supersetNamed(fields) : undefined;
}

function supersetNamed(fields: Fields): ToolSign {
  const dashboard =
    text(fields, 'dashboard_title') ?? numbered(fields, 'dashboard_id', 'dashboard-') ?? null;
  const name =
    dashboard ?? numbered(fields, 'slice_id', 'chart-') ?? numbered(fields, 'chart_id', 'chart-');
  return onDashboard('superset', name ?? null, dashboard);
}

/** A sign of a tool of dashboards, with the one it names. */
function onDashboard(tool: string, name: string | null, dashboard: string | null): ToolSign {
  if (dashboard === null) return { tool, name };
  return { tool, name, origin: origin({ dashboard: `${tool}/${dashboard}` }) };
}

/** What is said, as one line of printable characters each. */
function origin(said: { readonly [K in keyof Origin]: Origin[K] | undefined }): Origin {
  return Object.fromEntries(
    Object.entries(said).flatMap(([key, value]) => {
      const line = value?.replace(/[\p{C}\p{Z}\s]+/gu, ' ').trim() ?? '';
      const whole = line.slice(0, ORIGIN_LENGTH_MAX).replace(/[\ud800-\udbff]$/, '');
      return whole === '' ? [] : [[key, whole]];
    }),
  );
}

function numbered(fields: Fields, key: string, prefix: string): string | undefined {
  const value = text(fields, key);
  return value === undefined ? undefined : `${prefix}${value}`;
}

function number(remark: string, label: string, prefix: string): string | undefined {
  const at = remark.indexOf(label);
  const digits = at < 0 ? undefined : /^\d{1,18}/.exec(remark.slice(at + label.length))?.[0];
  return digits === undefined ? undefined : `${prefix}${digits}`;
}

/** The first of the keys that holds text or a number. */
function text(fields: Fields, ...keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const value = Object.hasOwn(fields, key) ? fields[key] : undefined;
    if (typeof value === 'string' && value.trim() !== '') return value;
    if (typeof value === 'number') return String(value);
  }
  return undefined;
}

/** The JSON object inside a text, from its first to its last brace. */
function quotedFields(whole: string): Fields | undefined {
  const [from, to] = [whole.indexOf('{'), whole.lastIndexOf('}')];
  return from < 0 || to < from ? undefined : fieldsOf(whole.slice(from, to + 1));
}

function fieldsOf(json: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
