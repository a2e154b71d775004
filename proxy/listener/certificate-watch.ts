/**
 * Follows the files of the listener's certificate. They are read, not watched: secret mounts swap symbolic links under
 * a name, which watchers miss. A pair that cannot be served leaves the last good one in force, is told once, and shows
 * in the metrics until the files are right.
 */
import { Fault } from '#base/errors.js';
import type { Log } from '#base/log.js';
import type { CounterMetric, Metrics } from '#base/metrics.js';
import { outOfForce, readCertificate } from './certificate.js';
import type { CertificateFiles, CertificateProblem, ServerCertificate } from './certificate.js';

export interface CertificateWatchOptions {
  readonly files: CertificateFiles;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Real time in epoch milliseconds. */
  readonly now: () => number;
}

/** Makes the instruments of the certificate; the counter is of changes of its files. */
export function exposeCertificate(
  metrics: Metrics,
  read: { readonly expiresAtSeconds: () => number; readonly isRejected: () => boolean },
): CounterMetric {
  metrics.gaugeFrom(
    'tollgate_tls_certificate_expiry_seconds',
    'When the certificate that the listener shows expires, in Unix time',
    read.expiresAtSeconds,
  );
  metrics.gaugeFrom(
    'tollgate_tls_certificate_rejected',
    '1 while the certificate files cannot be served and an older pair is',
    () => Number(read.isRejected()),
  );
  return metrics.counter(
    'tollgate_tls_reloads_total',
    'Changes of the certificate files: taken, or rejected and the last good one kept',
    ['outcome'],
  );
}

export class CertificateWatch {
  readonly #options: CertificateWatchOptions;
  readonly #outcomes: CounterMetric;
  #current: ServerCertificate;
  /** What was found at the last look and is not in force: a swap of two files may be seen half done, so it is told when it is found again. */
  #suspect: string | undefined;
  #told: string | undefined;
  #isRejected = false;

  /** Reads the pair for the first time. Fault with field, rule and way out when it cannot be served. */
  constructor(options: CertificateWatchOptions) {
    this.#options = options;
    const { files, metrics, log, now } = options;
    const read = readCertificate(files);
    if ('problem' in read) throw new Fault('internal', `${read.problem}; ${read.wayOut}.`);
    this.#current = read;
    const why = outOfForce(read, now());
    // Served all the same: what refuses it are the clients, and without a listener nothing here could be looked at.
    if (why !== undefined)
      log.error(
        { file: files.certFile, why },
        'the certificate of the listener is not in force; clients will refuse it',
      );
    this.#outcomes = exposeCertificate(metrics, {
      expiresAtSeconds: () => this.#current.validToMs / 1000,
      isRejected: () => this.#isRejected,
    });
  }

  /** The pair in force. */
  get current(): ServerCertificate {
    return this.#current;
  }

  /** Looks at the files; the new pair when they hold another one that can be served. */
  look(): ServerCertificate | undefined {
    const { files, now } = this.#options;
    const read = readCertificate(files, this.#current);
    if (read === this.#current) {
      this.#suspect = undefined;
      this.#isRejected = false;
      return undefined;
    }
    const rejected = 'problem' in read ? read : this.#notInForce(read, now());
    if (rejected !== undefined) {
      this.#reject(rejected);
      return undefined;
    }
    this.#suspect = undefined;
    this.#told = undefined;
    this.#isRejected = false;
    if ('problem' in read) return undefined;
    this.#current = read;
    this.#outcomes.inc({ outcome: 'taken' });
    this.#options.log.info(
      { names: read.names, validTo: new Date(read.validToMs).toISOString() },
      'the listener shows another certificate to new connections',
    );
    return read;
  }

  /** A pair that is not in force does not take the place of one that is. */
  #notInForce(read: ServerCertificate, nowMs: number): CertificateProblem | undefined {
    const why = outOfForce(read, nowMs);
    if (why === undefined || outOfForce(this.#current, nowMs) !== undefined) return undefined;
    return {
      problem: `TOLLGATE_TLS_CERT_FILE: ${this.#options.files.certFile} ${why}`,
      wayOut: 'replace it by a certificate that is in force',
      contentHash: read.contentHash,
    };
  }

  #reject({ problem, wayOut, contentHash }: CertificateProblem): void {
    const found = `${contentHash} ${problem}`;
    const isSeenAgain = this.#suspect === found;
    this.#suspect = found;
    if (!isSeenAgain || this.#told === found) return;
    this.#told = found;
    this.#isRejected = true;
    this.#outcomes.inc({ outcome: 'rejected' });
    this.#options.log.error(
      {
        why: `${problem}; ${wayOut}.`,
        servedUntil: new Date(this.#current.validToMs).toISOString(),
      },
      'the certificate files cannot be served; the listener keeps the last good certificate',
    );
  }
}
