/** How clients reach the proxy: the certificate that its settings name, and the one that it shows. */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Config } from '../../base/config.js';
import {
  outOfForce,
  readCertificate,
  type ServerCertificate,
} from '../../proxy/listener/certificate.js';
import { reachable } from '../admin-client.js';
import { certificateFiles } from '../listener-certificate.js';
import { finderOf, type Finding } from './finding.js';

const DAY_MS = 86_400_000;
/** Certificates that renew themselves do so a third of their life before their end: 30 days of 90. */
const EXPIRY_NOTE_DAYS = 14;
const HANDSHAKE_TIMEOUT_MS = 5000;
const CHECK = 'TLS of clients';
const { ok, note, failed } = finderOf('This machine');

/** The certificate of the proxy as it stands in its files; plain HTTP is fine on the loopback address, a note elsewhere. */
export function checkListeners(config: Config, nowMs: number): Finding {
  const files = certificateFiles(config);
  if (files === undefined) return plain(config);
  const read = readCertificate(files);
  if ('problem' in read) return failed(CHECK, read.problem, sentence(read.wayOut));
  const why = outOfForce(read, nowMs);
  const renew = 'Have it renewed; the proxy takes new files by itself within seconds.';
  if (why !== undefined) return failed(CHECK, `${files.certFile} ${why}`, renew);
  const days = Math.floor((read.validToMs - nowMs) / DAY_MS);
  const says = `certificate for ${read.names}, ${days} days left`;
  return days < EXPIRY_NOTE_DAYS ? note(CHECK, says, renew) : ok(CHECK, says);
}

function plain(config: Config): Finding {
  if (['127.0.0.1', '::1', 'localhost'].includes(config.host))
    return ok(CHECK, `plain HTTP on ${config.host}, which no other machine reaches`);
  return note(
    CHECK,
    `${config.host} is reachable from outside and speaks plain HTTP`,
    'Set TOLLGATE_TLS_CERT_FILE and TOLLGATE_TLS_KEY_FILE, or put something that terminates TLS in front.',
  );
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** Whether the running proxy shows the certificate of its files; undefined where it speaks plain HTTP. */
export async function checkShownCertificate(config: Config): Promise<Finding | undefined> {
  const files = certificateFiles(config);
  if (files === undefined || config.proxyPort === 0) return undefined;
  const check = 'certificate shown';
  const read = readCertificate(files);
  if ('problem' in read) return undefined;
  const shown = await fingerprintAt(reachable(config.host), config.proxyPort);
  if ('why' in shown)
    return failed(check, `no handshake with the proxy (${shown.why})`, 'Look at its log.');
  if (shown.fingerprint === read.fingerprint) return ok(check, 'the one of the files');
  return failed(
    check,
    'the proxy shows another certificate than its files hold',
    'It takes a good pair within seconds; its log says why it has not.',
  );
}

function fingerprintAt(
  host: string,
  port: number,
): Promise<{ readonly fingerprint: string } | { readonly why: string }> {
  return new Promise((resolve) => {
    const socket = connectTls({
      host,
      port,
      rejectUnauthorized: false,
      timeout: HANDSHAKE_TIMEOUT_MS,
    });
    const end = (outcome: { readonly fingerprint: string } | { readonly why: string }): void => {
      resolve(outcome);
      socket.destroy();
    };
    socket.once('secureConnect', () =>
      end({ fingerprint: socket.getPeerCertificate().fingerprint256 }),
    );
    socket.once('error', (cause) => end({ why: cause.message }));
    socket.once('timeout', () => end({ why: `none within ${HANDSHAKE_TIMEOUT_MS / 1000} s` }));
  });
}

export interface Relay {
  readonly origin: string;
  stop(): void;
}

/**
 * A plain address on this machine for a proxy that speaks TLS. The doctor comes by an address that the certificate does
 * not name and trusts no authority of ours, so the certificate itself is what it insists on.
 */
export function relayTo(
  { host, port }: { readonly host: string; readonly port: number },
  { fingerprint }: Pick<ServerCertificate, 'fingerprint'>,
): Promise<Relay> {
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connectTls({ host, port, rejectUnauthorized: false }, () => {
      if (far.getPeerCertificate().fingerprint256 === fingerprint) near.pipe(far).pipe(near);
      else near.destroy();
    });
    open.add(near);
    near.on('error', () => far.destroy());
    near.on('close', () => far.destroy());
    far.on('error', () => near.destroy());
    far.on('close', () => near.destroy());
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port: own } = server.address() as AddressInfo;
      resolve({
        origin: `http://127.0.0.1:${own}`,
        stop() {
          server.close();
          for (const socket of open) socket.destroy();
        },
      });
    });
  });
}
