/**
 * Stands in for Snowflake in a benchmark: answers login, renewal, heartbeat and close, a statement with 0.9 KB of
 * JSON, and a statement that says BENCH_STREAM with 50 MB. It does as little as it can, so that what is measured is
 * the proxy. Child process; `{}` is answered with its port.
 */
import { createServer, type ServerResponse } from 'node:http';
import { DEFAULT_CLIENT_PARAMETERS } from '../../base/wire/client-parameters.js';
import { columnType } from '../../base/wire/row-type.js';
import { successEnvelope } from '../../base/wire/envelope.js';

const STREAM_BYTES = 50_000_000;
const CHUNK = Buffer.from(`,${JSON.stringify(['1', 'x'.repeat(120), null])}`.repeat(480));
const QUERY_ID = '01b00000-0000-0000-0000-000000000000';

let sequence = 0;

/** Query ids are unique: a ledger keeps one charge for each. */
function nextQueryId(): string {
  sequence += 1;
  return `01b00000-0000-0000-0000-${sequence.toString(16).padStart(12, '0')}`;
}

const statement = Buffer.from(
  JSON.stringify(
    successEnvelope({
      parameters: [{ name: 'TIMEZONE', value: 'Etc/UTC' }],
      rowtype: [columnType('1', 'fixed', { precision: 1 })],
      rowset: [['1'], ['x'.repeat(300)]],
      total: 1,
      returned: 1,
      queryId: QUERY_ID,
      databaseProvider: null,
      finalDatabaseName: 'ANALYTICS',
      finalSchemaName: 'TPCH',
      finalWarehouseName: 'INTERACTIVE_WH',
      finalRoleName: 'PUBLIC',
      numberOfBinds: 0,
      arrayBindSupported: false,
      statementTypeId: 4096,
      version: 1,
      sendResultTime: 0,
      queryResultFormat: 'json',
    }),
  ),
);
const queryIdAt = statement.indexOf(QUERY_ID);

const [streamHead, streamTail] = [
  Buffer.from(
    `{"data":{"parameters":[],"rowtype":${JSON.stringify([columnType('A', 'text')])},"rowset":[["1","x",null]`,
  ),
  Buffer.from(
    `],"total":1,"returned":1,"queryId":"${QUERY_ID}","statementTypeId":4096,"version":1,"queryResultFormat":"json"},"code":null,"message":null,"success":true,"headers":null}`,
  ),
];

function login(): Buffer {
  sequence += 1;
  return Buffer.from(
    JSON.stringify(
      successEnvelope({
        token: `token-${sequence}`,
        masterToken: `master-${sequence}`,
        sessionToken: `token-${sequence}`,
        sessionId: 1_000_000 + sequence,
        validityInSeconds: 3600,
        masterValidityInSeconds: 14_400,
        parameters: DEFAULT_CLIENT_PARAMETERS,
        sessionInfo: {
          databaseName: 'ANALYTICS',
          schemaName: 'TPCH',
          warehouseName: 'INTERACTIVE_WH',
          roleName: 'PUBLIC',
        },
        serverVersion: '9.21.0',
        displayUserName: 'BENCH',
        firstLogin: false,
      }),
    ),
  );
}

function send(response: ServerResponse, body: Buffer): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
  response.end(body);
}

function stream(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.write(streamHead);
  let left = STREAM_BYTES;
  const more = (): void => {
    while (left > 0) {
      left -= CHUNK.length;
      if (!response.write(CHUNK)) {
        response.once('drain', more);
        return;
      }
    }
    response.end(streamTail);
  };
  more();
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const path = request.url ?? '';
    if (path.startsWith('/session/v1/login-request') || path.startsWith('/session/token-request')) {
      return send(response, login());
    }
    if (!path.startsWith('/queries/v1/query-request')) {
      return send(response, Buffer.from(JSON.stringify(successEnvelope(null))));
    }
    if (chunks.some((chunk) => chunk.includes('BENCH_STREAM'))) return stream(response);
    const body = Buffer.from(statement);
    body.write(nextQueryId(), queryIdAt, 'latin1');
    return send(response, body);
  });
});
server.keepAliveTimeout = 120_000;
server.listen(0, '127.0.0.1');

process.on('message', () => {
  const address = server.address();
  process.send?.({ port: typeof address === 'object' && address !== null ? address.port : 0 });
});
