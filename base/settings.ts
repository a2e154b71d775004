/**
 * The one table of options: name in the environment, place in tollgate.yaml, how it is read, default and help. What
 * is not in this table does not exist; `base/config.ts` reads it, the help text and docs are printed from it.
 */
import { BILL_DELIVERY_SETTINGS, type BillDeliveryConfig } from './bill-delivery-settings.js';
import { CONSOLE_SETTINGS, type ConsoleConfig, type ConsoleSecrets } from './console-settings.js';
import { LEDGER_SETTINGS, type LedgerConfig } from './ledger-settings.js';
import type { LogLevel } from './log.js';
import type { MailSecrets } from './mail-settings.js';
import { NOTIFICATION_SETTINGS, type NotificationConfig } from './notification-settings.js';
import type { SealKey } from './sealing.js';
import {
  ROLES,
  asIs,
  bytes,
  databaseUrl,
  latencyScale,
  logLevel,
  networks,
  pattern,
  roles,
  sealKeys,
  timeScale,
  wholeNumber,
  type Role,
} from './setting-parsers.js';
import type { Setting } from './setting.js';
import { TRACE_SETTINGS, type TraceConfig, type TraceSecrets } from './trace-settings.js';
import {
  ACCOUNT_SETTINGS,
  SERVICE_SETTINGS,
  type SnowflakeConfig,
  type SnowflakeSecrets,
} from './snowflake/settings.js';

/** Settings that may be printed. */
export interface Config
  extends
    SnowflakeConfig,
    LedgerConfig,
    ConsoleConfig,
    NotificationConfig,
    BillDeliveryConfig,
    TraceConfig {
  readonly configFile: string | null;
  readonly dataDir: string;
  readonly roles: readonly Role[];
  readonly host: string;
  readonly proxyPort: number;
  /** Both, or neither: plain HTTP. */
  readonly tlsCertFile: string | null;
  readonly tlsKeyFile: string | null;
  readonly connectionsMax: number;
  readonly adminPort: number;
  readonly warehousePort: number;
  readonly timeScale: number;
  /** Null: where the client's request came to. */
  readonly warehousePublicUrl: string | null;
  readonly latencyScale: number;
  readonly logLevel: LogLevel;
  /** Balancers whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
  readonly requestBytesMax: number;
  readonly inflatedBytesMax: number;
  readonly statementBytesMax: number;
  readonly sessionsCachedMax: number;
  readonly upstreamConnectionsMax: number;
  readonly upstreamConnectTimeoutMs: number;
  readonly databaseConnectionsMax: number;
  readonly databaseConnectTimeoutMs: number;
  readonly databaseStatementTimeoutMs: number;
  readonly meterIntervalMs: number;
  readonly drainTimeoutSeconds: number;
}

/** Settings that are never printed and never read from a file. */
export interface Secrets extends SnowflakeSecrets, MailSecrets, ConsoleSecrets, TraceSecrets {
  readonly databaseUrl: string | null;
  readonly adminToken: string | null;
  readonly sealKeys: readonly SealKey[] | null;
}

export type Settings = Config & Secrets;
export type SettingKey = keyof Settings;

const port = wholeNumber(0, 65_535);
const PORT_WAY_OUT = 'name a free port, or 0 for any';
const MIB = 1024 ** 2;

/** Every option. The mapped type makes a forgotten option, or one read as the wrong type, a compile error. */
export const SETTINGS: { readonly [K in SettingKey]: Setting<Settings[K]> } = {
  configFile: {
    environment: 'TOLLGATE_CONFIG',
    yaml: null,
    parse: pattern(/\S/, 'the path of a file', asIs),
    fallback: null,
    fallbackText: './tollgate.yaml if it exists',
    secret: false,
    help: 'File of settings; the environment wins over it.',
    wayOut: 'name a readable YAML file, or unset it',
  },
  dataDir: {
    environment: 'TOLLGATE_DATA_DIR',
    yaml: 'dataDir',
    parse: pattern(/\S/, 'the path of a folder', asIs),
    fallback: '.tollgate/',
    fallbackText: '.tollgate/',
    secret: false,
    help: 'Where the embedded Postgres, the journal, generated keys and the admin token live.',
    wayOut: 'name a folder that this user may write',
  },
  databaseUrl: {
    environment: 'TOLLGATE_DATABASE_URL',
    yaml: null,
    parse: databaseUrl,
    fallback: null,
    fallbackText: 'embedded Postgres in the data directory',
    secret: true,
    help: 'Postgres 15 or newer that holds the ledger and the control tables.',
    wayOut: 'write postgres://user:password@host:5432/database, or unset it for the embedded one',
  },
  ...ACCOUNT_SETTINGS,
  ...NOTIFICATION_SETTINGS,
  ...BILL_DELIVERY_SETTINGS,
  roles: {
    environment: 'TOLLGATE_ROLE',
    yaml: 'roles',
    parse: roles,
    fallback: ROLES,
    fallbackText: ROLES.join(','),
    secret: false,
    help: 'What this process does.',
    wayOut: 'write for example proxy,admin',
  },
  host: {
    environment: 'TOLLGATE_HOST',
    yaml: 'host',
    parse: pattern(/^[A-Za-z0-9._:-]+$/, 'an address or host name to listen on', asIs),
    fallback: '127.0.0.1',
    fallbackText: '127.0.0.1',
    secret: false,
    help: 'Address that every listener binds.',
    wayOut:
      'write 127.0.0.1, or 0.0.0.0 with TOLLGATE_TLS_CERT_FILE or behind something that terminates TLS',
  },
  proxyPort: {
    environment: 'TOLLGATE_PROXY_PORT',
    yaml: 'proxy.port',
    parse: port,
    fallback: 8080,
    fallbackText: '8080',
    secret: false,
    help: 'Port that drivers connect to; 0 = any free one, printed at start.',
    wayOut: PORT_WAY_OUT,
  },
  tlsCertFile: {
    environment: 'TOLLGATE_TLS_CERT_FILE',
    yaml: 'proxy.tlsCertFile',
    parse: pattern(/\S/, 'the path of a file', asIs),
    fallback: null,
    fallbackText: 'plain HTTP',
    secret: false,
    help: "Certificate that the proxy shows, PEM, the server's first; read again when it changes.",
    wayOut: 'name a PEM file, or unset both TLS settings for plain HTTP',
  },
  tlsKeyFile: {
    environment: 'TOLLGATE_TLS_KEY_FILE',
    yaml: 'proxy.tlsKeyFile',
    parse: pattern(/\S/, 'the path of a file', asIs),
    fallback: null,
    fallbackText: 'plain HTTP',
    secret: false,
    help: 'Private key of that certificate, PEM without a passphrase, not readable by everybody.',
    wayOut: 'name a PEM file, or unset both TLS settings for plain HTTP',
  },
  connectionsMax: {
    environment: 'TOLLGATE_CONNECTIONS_MAX',
    yaml: 'proxy.connectionsMax',
    parse: wholeNumber(1, 1_000_000),
    fallback: 10_000,
    fallbackText: '10000',
    secret: false,
    help: 'Connections of clients open at once; those above it are closed unread.',
    wayOut: 'write for example 10000',
  },
  adminPort: {
    environment: 'TOLLGATE_ADMIN_PORT',
    yaml: 'admin.port',
    parse: port,
    fallback: 8081,
    fallbackText: '8081',
    secret: false,
    help: 'Port of the console, the API, /metrics, /livez and /readyz; 0 = any.',
    wayOut: PORT_WAY_OUT,
  },
  warehousePort: {
    environment: 'TOLLGATE_WAREHOUSE_PORT',
    yaml: 'warehouse.port',
    parse: port,
    fallback: 8082,
    fallbackText: '8082',
    secret: false,
    help: 'Port of the embedded warehouse; 0 = any.',
    wayOut: PORT_WAY_OUT,
  },
  adminToken: {
    environment: 'TOLLGATE_ADMIN_TOKEN',
    yaml: null,
    parse: pattern(
      /^[\x21-\x7e]{1,200}$/,
      'a token of printable characters without spaces, at most 200',
      asIs,
    ),
    fallback: null,
    fallbackText: 'generated in <data dir>/admin-token',
    secret: true,
    help: 'Bearer token of the admin API.',
    wayOut: 'generate one with `openssl rand -hex 32`',
  },
  sealKeys: {
    environment: 'TOLLGATE_SEAL_KEYS',
    yaml: null,
    parse: sealKeys,
    fallback: null,
    fallbackText: 'generated once in the data directory',
    secret: true,
    help: 'Keys of session tokens, id:base64,…; the first seals, all open. Replicas share them.',
    wayOut: 'write k1:$(openssl rand -base64 32)',
  },
  timeScale: {
    environment: 'TOLLGATE_TIME_SCALE',
    yaml: 'warehouse.timeScale',
    parse: timeScale,
    fallback: 1,
    fallbackText: '1',
    secret: false,
    help: 'Warehouse seconds per real second, 1 to 60; embedded upstream only.',
    wayOut: 'write a number from 1 to 60, or unset it',
  },
  warehousePublicUrl: {
    environment: 'TOLLGATE_WAREHOUSE_PUBLIC_URL',
    yaml: 'warehouse.publicUrl',
    parse: pattern(/^https?:\/\/[\w.:[\]-]{1,300}\/?$/, 'an http or https origin', asIs),
    fallback: null,
    fallbackText: 'the host that a request names',
    secret: false,
    help: 'Where clients reach the embedded warehouse; pages of large results are fetched there.',
    wayOut: 'write http://127.0.0.1:8082, or unset it',
  },
  ...CONSOLE_SETTINGS,
  latencyScale: {
    environment: 'TOLLGATE_WAREHOUSE_LATENCY_SCALE',
    yaml: 'warehouse.latencyScale',
    parse: latencyScale,
    fallback: 0,
    fallbackText: '0',
    secret: false,
    help: "How late rows of the embedded account's views are: 0 at once, 1 as late as Snowflake documents.",
    wayOut: 'write a number from 0 to 1, or unset it',
  },
  logLevel: {
    environment: 'TOLLGATE_LOG_LEVEL',
    yaml: 'logLevel',
    parse: logLevel,
    fallback: 'info',
    fallbackText: 'info',
    secret: false,
    help: 'Least serious log line written, as JSON on standard error.',
    wayOut: 'write info',
  },
  trustedProxies: {
    environment: 'TOLLGATE_TRUSTED_PROXIES',
    yaml: 'proxy.trustedProxies',
    parse: networks,
    fallback: [],
    fallbackText: 'none',
    secret: false,
    help: 'Networks of balancers in front of the proxy; only their X-Forwarded-For is read.',
    wayOut: 'write for example 10.0.0.0/8,2001:db8::/32, or unset it',
  },
  ...SERVICE_SETTINGS,
  requestBytesMax: {
    environment: 'TOLLGATE_REQUEST_BYTES_MAX',
    yaml: 'proxy.requestBytesMax',
    parse: bytes(4096, 1024 * MIB),
    fallback: 64 * MIB,
    fallbackText: '64MiB',
    secret: false,
    help: 'Largest request body accepted, as sent.',
    wayOut: 'write for example 64MiB',
  },
  inflatedBytesMax: {
    environment: 'TOLLGATE_INFLATED_BYTES_MAX',
    yaml: 'proxy.inflatedBytesMax',
    parse: bytes(4096, 1024 * MIB),
    fallback: 100 * MIB,
    fallbackText: '100MiB',
    secret: false,
    help: 'Largest request body accepted, after inflation.',
    wayOut: 'write for example 100MiB',
  },
  statementBytesMax: {
    environment: 'TOLLGATE_STATEMENT_BYTES_MAX',
    yaml: 'proxy.statementBytesMax',
    parse: bytes(1024, 16 * MIB),
    fallback: MIB,
    fallbackText: '1MiB',
    secret: false,
    help: 'Longest statement text accepted.',
    wayOut: 'write for example 1MiB',
  },
  sessionsCachedMax: {
    environment: 'TOLLGATE_SESSIONS_CACHED_MAX',
    yaml: 'proxy.sessionsCachedMax',
    parse: wholeNumber(1, 1_000_000),
    fallback: 20_000,
    fallbackText: '20000',
    secret: false,
    help: 'Sessions whose state a replica keeps in memory; the rest are read when used.',
    wayOut: 'write for example 20000',
  },
  upstreamConnectionsMax: {
    environment: 'TOLLGATE_UPSTREAM_CONNECTIONS_MAX',
    yaml: 'proxy.upstreamConnectionsMax',
    parse: wholeNumber(1, 10_000),
    fallback: 256,
    fallbackText: '256',
    secret: false,
    help: 'Connections to the upstream origin.',
    wayOut: 'write for example 256',
  },
  upstreamConnectTimeoutMs: {
    environment: 'TOLLGATE_UPSTREAM_CONNECT_TIMEOUT_MS',
    yaml: 'proxy.upstreamConnectTimeoutMs',
    parse: wholeNumber(100, 120_000),
    fallback: 10_000,
    fallbackText: '10000',
    secret: false,
    help: 'Longest wait for a new connection to the upstream, in milliseconds.',
    wayOut: 'write for example 10000',
  },
  databaseConnectionsMax: {
    environment: 'TOLLGATE_DATABASE_CONNECTIONS_MAX',
    yaml: 'database.connectionsMax',
    parse: wholeNumber(2, 1000),
    fallback: 16,
    fallbackText: '16',
    secret: false,
    help: 'Connections to Postgres of this process.',
    wayOut: 'write for example 16',
  },
  databaseConnectTimeoutMs: {
    environment: 'TOLLGATE_DATABASE_CONNECT_TIMEOUT_MS',
    yaml: 'database.connectTimeoutMs',
    parse: wholeNumber(100, 120_000),
    fallback: 3000,
    fallbackText: '3000',
    secret: false,
    help: 'Longest wait for a connection to Postgres, in milliseconds.',
    wayOut: 'write for example 3000',
  },
  databaseStatementTimeoutMs: {
    environment: 'TOLLGATE_DATABASE_STATEMENT_TIMEOUT_MS',
    yaml: 'database.statementTimeoutMs',
    parse: wholeNumber(100, 3_600_000),
    fallback: 30_000,
    fallbackText: '30000',
    secret: false,
    help: 'Longest statement in Postgres, in milliseconds.',
    wayOut: 'write for example 30000',
  },
  ...LEDGER_SETTINGS,
  ...TRACE_SETTINGS,
  meterIntervalMs: {
    environment: 'TOLLGATE_METER_INTERVAL_MS',
    yaml: 'proxy.meterIntervalMs',
    parse: wholeNumber(100, 60_000),
    fallback: 3000,
    fallbackText: '3000',
    secret: false,
    help: 'How often the accrued cost of running statements is compared with their holds, in milliseconds.',
    wayOut: 'write for example 3000',
  },
  drainTimeoutSeconds: {
    environment: 'TOLLGATE_DRAIN_TIMEOUT_SECONDS',
    yaml: 'drainTimeoutSeconds',
    parse: wholeNumber(0, 86_400),
    fallback: 30,
    fallbackText: '30',
    secret: false,
    help: 'How long a stopping process waits for statements in flight, in seconds.',
    wayOut: 'write for example 30',
  },
};
