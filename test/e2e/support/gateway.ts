/** A proxy between raw sockets and an upstream of the test's own, which records every byte that reaches it. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { connect as connectTcp, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { ensureControl } from '../../../admin/stores/control-store.js';
import { systemIds } from '../../../base/ids.js';
import type { Log } from '../../../base/log.js';
import { createMetrics, type Metrics } from '../../../base/metrics.js';
import { systemClock } from '../../../base/time.js';
import { demoControlDocument } from '../../../policies/control/demo.js';
import type { CertificateFiles } from '../../../proxy/listener/certificate.js';
import type { ListenerLimits } from '../../../proxy/listener/limits.js';
import { startProxy, type Proxy } from '../../../proxy/start-proxy.js';
import { startStub, type Stub } from '../../proxy/upstream-stub.js';
import { makeCertificate, type TestCertificate } from '../../support/certificates.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';

/** A request as it reached upstream. */
export interface Seen {
  readonly line: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
}

export interface Gateway {
  readonly database: TestDatabase;
  readonly upstream: Stub;
  readonly plainPort: number;
  readonly tlsPort: number;
  readonly files: CertificateFiles;
  readonly metrics: Metrics;
  /** Everything the proxies have logged, as one text. */
  logged(): string;
  readonly seen: Seen[];
  /** How upstream answers; a test replaces it. */
  answer: (seen: Seen, response: ServerResponse) => void;
  /** Writes a certificate where the TLS proxy looks for it. */
  present(pair: TestCertificate): Promise<void>;
  /** Sends bytes over a connection of its own; what came back, and whether the proxy ended it. */
  exchange(bytes: string | Buffer, options?: ExchangeOptions): Promise<Exchange>;
  stop(): Promise<void>;
}

export interface ExchangeOptions {
  readonly tls?: boolean;
  /** Replies to wait for before the connection is given up; 1. */
  readonly replies?: number;
  /** Also waits until the proxy has ended the connection. */
  readonly untilClosed?: boolean;
}

export interface Exchange {
  readonly text: string;
  readonly isClosed: boolean;
}

const SEAL_KEYS = [{ id: 'test', key: randomBytes(32) }];

export const OPENED = `{"data":{"masterToken":"upstream-master-secret","token":"upstream-session-secret","validityInSeconds":3600,"masterValidityInSeconds":14400,
 "displayUserName":"SALES_ANALYST","sessionId":9007199254740993,"parameters":[{"name":"CLIENT_TELEMETRY_ENABLED","value":false}],"sessionInfo":{"databaseName":"ANALYTICS","schemaName":"TPCH","warehouseName":"STANDARD_WH","roleName":"SALES"},"idToken":null, "someNumber": 1.50}, "code":null,"message":null,"success":true}`;

const ONE_ROW = JSON.stringify({
  data: {
    parameters: [],
    rowtype: [
      {
        name: 'ONE',
        type: 'fixed',
        nullable: false,
        scale: 0,
        precision: 1,
        length: null,
        byteLength: null,
      },
    ],
    rowset: [['1']],
    total: 1,
    returned: 1,
    queryId: '01bfffff-0000-4000-8000-000000000001',
    finalDatabaseName: 'ANALYTICS',
    finalSchemaName: 'TPCH',
    finalWarehouseName: 'STANDARD_WH',
    finalRoleName: 'SALES',
    statementTypeId: 4096,
    version: 1,
    queryResultFormat: 'json',
    numberOfBinds: 0,
  },
  code: null,
  message: null,
  success: true,
});
const PLAIN_SUCCESS = '{"data":null,"code":null,"message":null,"success":true}';

/** Answers like an account with one user and one row. */
export function answerAsSnowflake({ line }: Seen, response: ServerResponse): void {
  response.setHeader('content-type', 'application/json');
  if (line.includes('login-request')) response.end(OPENED);
  else if (line.includes('query-request')) response.end(ONE_ROW);
  else response.end(PLAIN_SUCCESS);
}

export interface GatewayOptions {
  readonly bodyTimeoutMs?: number;
  readonly requestBytesMax?: number;
  readonly plain?: Partial<ListenerLimits>;
  readonly tls?: Partial<ListenerLimits>;
}

/** Starts database, upstream and two proxies on it, one plain and one over TLS; about two seconds. */
export async function startGateway(options: GatewayOptions = {}): Promise<Gateway> {
  const dataDir = await mkdtemp(join(tmpdir(), 'tollgate-gateway-'));
  const database = await createTestDatabase();
  await ensureControl(database.db, demoControlDocument(), Date.now());
  const seen: Seen[] = [];
  const upstream = await startStub((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { headers, rawHeaders } = request;
      const line = `${request.method} ${request.url}`;
      const one = { line, headers, rawHeaders, body: Buffer.concat(chunks) };
      seen.push(one);
      gateway.answer(one, response);
    });
  });
  const files = { certFile: join(dataDir, 'tls.crt'), keyFile: join(dataDir, 'tls.key') };
  const present = async ({ certPem, keyPem }: TestCertificate): Promise<void> => {
    await writeFile(files.certFile, certPem);
    await writeFile(files.keyFile, keyPem, { mode: 0o600 });
  };
  await present(makeCertificate());
  const lines: string[] = [];
  const log = recordingLog(lines);
  const metrics = createMetrics();
  const start = (name: string, more: Partial<Parameters<typeof startProxy>[0]>): Promise<Proxy> =>
    startProxy({
      ...common({ database, upstream, options, log, dataDir: join(dataDir, name) }),
      replicaName: name,
      metrics: name === 'tls' ? metrics : createMetrics(),
      ...more,
    });
  const plain = await start('plain', { listener: options.plain });
  const secure = await start('tls', { tls: files, listener: options.tls });
  const gateway: Gateway = {
    database,
    upstream,
    plainPort: plain.port,
    tlsPort: secure.port,
    files,
    metrics,
    logged: () => lines.join('\n'),
    seen,
    answer: answerAsSnowflake,
    present,
    exchange: (bytes, how = {}) =>
      exchange(
        how.tls === true ? overTls(secure.port) : connectTcp(plain.port, '127.0.0.1'),
        bytes,
        how,
      ),
    async stop() {
      await Promise.all([plain, secure].map((proxy) => proxy.stop(AbortSignal.timeout(2000))));
      await upstream.stop();
      await database.drop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
  return gateway;
}

interface Common {
  readonly database: TestDatabase;
  readonly upstream: Stub;
  readonly options: GatewayOptions;
  readonly log: Log;
  readonly dataDir: string;
}

function common({
  database,
  upstream,
  options,
  log,
  dataDir,
}: Common): Parameters<typeof startProxy>[0] {
  return {
    log,
    clock: systemClock,
    ids: systemIds(),
    metrics: createMetrics(),
    db: database.db,
    host: '127.0.0.1',
    port: 0,
    dataDir,
    replicaName: 'test',
    sealKeys: SEAL_KEYS,
    accounts: [{ account: 'demo', origin: upstream.origin }],
    trustedProxies: [],
    connectService: () => Promise.reject(new Error('no service user in this test')),
    limits: {
      requestBytesMax: options.requestBytesMax ?? 1024 * 1024,
      inflatedBytesMax: 4 * 1024 * 1024,
      statementBytesMax: 512 * 1024,
      bodyTimeoutMs: options.bodyTimeoutMs ?? 2000,
    },
    sessionsCachedMax: 100,
    upstreamConnectionsMax: 8,
    upstreamConnectTimeoutMs: 1000,
    meterIntervalMs: 60_000,
    parserSpareCount: 0,
  };
}

function recordingLog(lines: string[]): Log {
  const write = (...parts: readonly unknown[]): void =>
    void lines.push(
      JSON.stringify(parts, (_key, value: unknown) =>
        value instanceof Error ? `${value.stack ?? ''} ${String(value.cause)}` : value,
      ),
    );
  const log: Log = { debug: write, info: write, warn: write, error: write, child: () => log };
  return log;
}

function overTls(port: number): Socket {
  return connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
}

function exchange(socket: Socket, bytes: string | Buffer, how: ExchangeOptions): Promise<Exchange> {
  return new Promise((resolve) => {
    let text = '';
    const end = (isClosed: boolean): void => {
      resolve({ text, isClosed });
      socket.destroy();
    };
    socket.on('error', () => undefined);
    socket.on('close', () => end(true));
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (how.untilClosed !== true && repliesIn(text) >= (how.replies ?? 1)) end(false);
    });
    socket.write(bytes);
  });
}

/** Whole replies in a text, by their Content-Length. */
function repliesIn(text: string): number {
  let count = 0;
  for (let rest = text; ; count += 1) {
    const head = rest.indexOf('\r\n\r\n');
    if (head < 0) return count;
    const length = Number(/content-length: (\d+)/i.exec(rest.slice(0, head))?.[1] ?? '0');
    if (rest.length < head + 4 + length) return count;
    rest = rest.slice(head + 4 + length);
  }
}
