/** Makes the server of a listener, plain or over TLS; over TLS it follows the files of its certificate. */
import { createServer } from 'node:http';
import type { Server, ServerOptions } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Log } from '#base/log.js';
import type { CounterMetric, Metrics } from '#base/metrics.js';
import { HEAD_BYTES_MAX } from './broken.js';
import { CertificateWatch } from './certificate-watch.js';
import type { CertificateFiles } from './certificate.js';
import { HEADERS_MAX } from './head.js';
import type { ListenerLimits } from './limits.js';
import { ALPN_PROTOCOLS, TLS_RULES } from './tls-rules.js';

export interface OpenServerOptions {
  readonly log: Log;
  readonly metrics: Metrics;
  /** Absent: plain HTTP. */
  readonly tls: CertificateFiles | undefined;
  readonly limits: ListenerLimits;
}

export interface OpenedServer {
  readonly server: Server;
  /** Stops following the files. */
  readonly stopTls: () => void;
}

/** A server that does not listen yet. Fault `internal` when its certificate cannot be served. */
export function openServer({ log, metrics, tls, limits }: OpenServerOptions): OpenedServer {
  const http: ServerOptions = {
    keepAliveTimeout: limits.keepAliveMs,
    requestTimeout: 0,
    headersTimeout: limits.headersTimeoutMs,
    connectionsCheckingInterval: Math.min(5000, limits.headersTimeoutMs),
    maxHeaderSize: HEAD_BYTES_MAX,
    // We say it in words.
    requireHostHeader: false,
  };
  if (tls === undefined) return { server: limited(createServer(http)), stopTls: () => {} };
  const watch = new CertificateWatch({ files: tls, log, metrics, now: Date.now });
  const failures = exposeHandshakes(metrics);
  const shown = (): object => {
    const { certPem, keyPem } = watch.current;
    return { ...TLS_RULES, cert: certPem, key: keyPem };
  };
  const server = createTlsServer({
    ...http,
    ...shown(),
    ALPNProtocols: ALPN_PROTOCOLS,
    handshakeTimeout: limits.handshakeTimeoutMs,
  });
  server.on('tlsClientError', () => failures.inc());
  const timer = setInterval(() => {
    if (watch.look() !== undefined) server.setSecureContext(shown());
  }, limits.certificatePollMs);
  timer.unref();
  return { server: limited(server), stopTls: () => clearInterval(timer) };
}

/** Counts handshakes that fail. */
export function exposeHandshakes(metrics: Metrics): CounterMetric {
  return metrics.counter(
    'tollgate_tls_handshake_failures_total',
    'Connections that ended before a TLS handshake did',
  );
}

function limited(server: Server): Server {
  // One more than is taken: what Node leaves out beyond its own cap would not be seen.
  server.maxHeadersCount = HEADERS_MAX + 1;
  return server;
}
