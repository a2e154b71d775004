/** What `serve` prints when it is ready: what listens where, and how each kind of client connects. */
import type { Config } from '../base/config.js';
import { proxyProtocol } from './listener-certificate.js';

export interface Listeners {
  readonly proxyPort: number | null;
  readonly adminPort: number;
  readonly warehousePort: number | null;
}

/** Lines for standard output. `elapsedMs`: how long the start took. */
export function howToConnect(
  config: Config,
  listeners: Listeners,
  elapsedMs: number,
): readonly string[] {
  const { host, account } = config;
  const protocol = proxyProtocol(config);
  const lines = [`Tollgate is ready after ${(elapsedMs / 1000).toFixed(1)} s.`, ''];
  if (listeners.proxyPort !== null)
    lines.push(
      `  proxy      ${protocol}://${host}:${listeners.proxyPort}   (point Snowflake clients here)`,
    );
  lines.push(
    `  admin      http://${host}:${listeners.adminPort}   (console, API, /metrics, /livez, /readyz)`,
  );
  if (listeners.warehousePort !== null) {
    lines.push(
      `  warehouse  http://${host}:${listeners.warehousePort}   (embedded, Snowflake-compatible)`,
    );
  }
  const isDemo = config.upstream.kind === 'embedded';
  if (listeners.proxyPort !== null)
    return [
      ...lines,
      '',
      'Connect as before; only host, port and protocol change:',
      '',
      ...clients({ protocol, host, port: listeners.proxyPort }, account, isDemo),
      ...ofCertificate(config),
      '',
      ...several(config),
      'Then try:  EXPLAIN COST SELECT * FROM WEB.EVENTS;   SELECT * FROM TOLLGATE.MY_BUDGET;',
    ];
  if (listeners.warehousePort === null) return lines;
  return [
    ...lines,
    '',
    'The warehouse alone: Snowflake clients connect to it directly, nothing is governed:',
    '',
    ...clients({ protocol: 'http', host, port: listeners.warehousePort }, account, true),
    '',
    'Then try:  SELECT COUNT(*) FROM LINEITEM;   EXPLAIN SELECT * FROM WEB.EVENTS;   SHOW WAREHOUSES;',
  ];
}

/** Upstreams of a deployment with more than one; the control document says which accounts live there. */
function several({ accounts }: Config): readonly string[] {
  if (accounts.length < 2) return [];
  const names = accounts.map(({ upstream }) => upstream).join(', ');
  return [
    `Upstreams: ${names}. The first label of the host name, or else the driver's account, chooses.`,
    '',
  ];
}

/** Names count over TLS: the address that the listener binds is rarely one of them. */
function ofCertificate(config: Config): readonly string[] {
  if (proxyProtocol(config) === 'http') return [];
  return [
    '',
    'Use a host name of the certificate in place of the address above, and see that clients trust its issuer.',
  ];
}

interface At {
  readonly protocol: 'http' | 'https';
  readonly host: string;
  readonly port: number;
}

function clients(
  { protocol, host, port }: At,
  account: string,
  isDemo: boolean,
): readonly string[] {
  const user = isDemo ? 'marketing_analyst' : '<user>';
  const password = isDemo ? 'demo' : '<password>';
  const ssl = protocol === 'http' ? '&ssl=off' : '';
  return [
    `  Python  snowflake.connector.connect(account='${account}', user='${user}', password='${password}',`,
    `            host='${host}', port=${port}, protocol='${protocol}', database='ANALYTICS', schema='TPCH')`,
    `  Node    snowflake.createConnection({ account: '${account}', username: '${user}', password: '${password}',`,
    `            accessUrl: '${protocol}://${host}:${port}' })`,
    `  JDBC    jdbc:snowflake://${host}:${port}/?account=${account}${ssl}&user=${user}&password=${password}`,
  ];
}
