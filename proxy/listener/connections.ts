/** The connections of a listener: counted, capped, and all closed at the end. */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Log } from '#base/log.js';
import type { CounterMetric, Metrics, Occupancy } from '#base/metrics.js';

/** A flood is told once in this time. */
const TELL_EVERY_MS = 60_000;

export interface Connections {
  /** The socket below a TLS socket: the one with the same peer. */
  below(socket: Pick<Socket, 'remoteAddress' | 'remotePort'>): Socket | undefined;
  /** Cuts what is still open, handshakes included. */
  destroyAll(): void;
}

/** Makes the instruments of connections; the counter is of those that were refused. */
export function exposeConnections(metrics: Metrics, read: () => Occupancy): CounterMetric {
  metrics.gaugeFrom('tollgate_connections', 'Connections of clients', () => read().used);
  metrics.limited({
    resource: 'connections',
    unit: 'connections',
    whenFull: 'closed at once, unread',
    read,
  });
  return metrics.counter(
    'tollgate_connections_refused_total',
    'Connections of clients closed at once, because the cap was reached',
  );
}

/** Caps the connections of `server` and shows them in the metrics. Those above the cap are closed at once, unread. */
export function capConnections(
  server: Server,
  connectionsMax: number,
  { metrics, log }: { readonly metrics: Metrics; readonly log: Log },
): Connections {
  const open = new Set<Socket>();
  const refused = exposeConnections(metrics, () => ({ used: open.size, max: connectionsMax }));
  let toldAtMs = Number.NEGATIVE_INFINITY;
  server.maxConnections = connectionsMax;
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  server.on('drop', () => {
    refused.inc();
    if (performance.now() - toldAtMs < TELL_EVERY_MS) return;
    toldAtMs = performance.now();
    log.warn(
      { connectionsMax },
      'connections of clients are closed at once: as many are open as TOLLGATE_CONNECTIONS_MAX allows',
    );
  });
  return {
    below: ({ remoteAddress, remotePort }) =>
      [...open].find(
        (each) => each.remotePort === remotePort && each.remoteAddress === remoteAddress,
      ),
    destroyAll() {
      for (const socket of open) socket.destroy();
    },
  };
}
