/** What one listener gives to all its clients together, and how long it waits for each. */
export interface ListenerLimits {
  /** Connections open at once; a setting. */
  readonly connectionsMax: number;
  readonly requestsPerConnectionMax: number;
  readonly unansweredPerConnectionMax: number;
  readonly handshakeTimeoutMs: number;
  readonly headersTimeoutMs: number;
  readonly keepAliveMs: number;
  readonly unreadReplyMs: number;
  /** How often the files of the certificate are read. */
  readonly certificatePollMs: number;
}

export const LISTENER_LIMITS: ListenerLimits = {
  /** Some 40 KB each over TLS, and far below the file descriptors that Node asks of the system. */
  connectionsMax: 10_000,
  /** Then the connection ends after its reply, so that replicas that were added get their share of long-lived clients. */
  requestsPerConnectionMax: 10_000,
  /** No driver sends a second request before the first is answered; a hundred are room for whatever does. */
  unansweredPerConnectionMax: 100,
  /** A client that has not ended its handshake by then holds a connection and does nothing with it. */
  handshakeTimeoutMs: 10_000,
  /** From the first byte of a connection, or of a request on it, to the end of its headers. */
  headersTimeoutMs: 30_000,
  /** Drivers poll for 45 s in silence, and some balancers allow 60: idle connections live longer than both. */
  keepAliveMs: 120_000,
  /** For a reply that is written and that its client does not read: as long as the relay waits for one that streams. */
  unreadReplyMs: 300_000,
  certificatePollMs: 5000,
};
