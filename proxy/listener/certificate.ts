/**
 * The certificate of the proxy's listener with its key, from two PEM files: whether they can be read, belong together
 * and may be served. No outcome shows a part of the key.
 */
import { createHash, createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { toError } from '#base/errors.js';
import { TLS_RULES } from './tls-rules.js';

/** Where the pair lies; both may be symbolic links, as secret mounts use them. */
export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

export interface ServerCertificate {
  /** The server's certificate first, then those of its issuers. */
  readonly certPem: string;
  readonly keyPem: string;
  readonly validFromMs: number;
  readonly validToMs: number;
  /** The names it was made for, as people read them. */
  readonly names: string;
  /** SHA-256 of the server's certificate, as tools print it. */
  readonly fingerprint: string;
  /** Of both texts: tells whether the files say something else now. */
  readonly contentHash: string;
}

/** What is wrong, beginning with the setting, and the way out. `contentHash` of what was read; empty when nothing was. */
export interface CertificateProblem {
  readonly problem: string;
  readonly wayOut: string;
  readonly contentHash: string;
}

const FILE_BYTES_MAX = 1024 * 1024;
const OTHERS = 0o007;
const CERTIFICATE_BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
/** More is no chain but a bundle of authorities in the wrong place. */
const CHAIN_MAX = 20;

/**
 * Reads and judges the pair. Its dates are the caller's to judge: whether an ended one is served depends on what else
 * there is.
 *
 * @param known what the files held before; given back when they still do, without judging it again.
 */
export function readCertificate(
  files: CertificateFiles,
  known?: ServerCertificate,
): ServerCertificate | CertificateProblem {
  const cert = readText('TOLLGATE_TLS_CERT_FILE', files.certFile, 0);
  if ('problem' in cert) return cert;
  const key = readText('TOLLGATE_TLS_KEY_FILE', files.keyFile, OTHERS);
  if ('problem' in key) return key;
  const contentHash = createHash('sha256').update(`${cert.text}\0${key.text}`).digest('hex');
  if (contentHash === known?.contentHash) return known;
  const judged = judge(files, cert.text, key.text);
  return 'problem' in judged ? { ...judged, contentHash } : { ...judged, contentHash };
}

/** Whether a certificate may be shown to clients at that time; undefined: yes, else why not. */
export function outOfForce(
  { validFromMs, validToMs }: Pick<ServerCertificate, 'validFromMs' | 'validToMs'>,
  nowMs: number,
): string | undefined {
  if (nowMs < validFromMs) return `is not valid before ${new Date(validFromMs).toISOString()}`;
  if (nowMs >= validToMs) return `has expired at ${new Date(validToMs).toISOString()}`;
  return undefined;
}

function readText(
  setting: string,
  path: string,
  forbiddenMode: number,
): { readonly text: string } | CertificateProblem {
  try {
    const file = statSync(path);
    if (!file.isFile()) return bad(`${setting}: ${path} is not a file`, 'name the PEM file itself');
    if ((file.mode & forbiddenMode) !== 0) {
      return bad(
        `${setting}: ${path} may be read or written by every user of this machine (mode ${(file.mode & 0o777).toString(8)})`,
        `run \`chmod 600 ${path}\`; in a Kubernetes secret volume, set defaultMode: 0440 and an fsGroup`,
      );
    }
    if (file.size > FILE_BYTES_MAX)
      return bad(`${setting}: ${path} is larger than 1 MiB`, 'name a PEM file');
    return { text: readFileSync(path, 'utf8') };
  } catch (thrown) {
    return bad(
      `${setting}: ${path} cannot be read (${toError(thrown).message})`,
      'name a file that this user may read, or unset both TLS settings for plain HTTP',
    );
  }
}

type Judged = Omit<ServerCertificate, 'contentHash'> | Omit<CertificateProblem, 'contentHash'>;

function judge(files: CertificateFiles, certPem: string, keyPem: string): Judged {
  const ofCert = `TOLLGATE_TLS_CERT_FILE: ${files.certFile}`;
  const ofKey = `TOLLGATE_TLS_KEY_FILE: ${files.keyFile}`;
  const chain = parseChain(certPem);
  const [leaf] = chain ?? [];
  if (chain === undefined || leaf === undefined || chain.length > CHAIN_MAX) {
    return {
      problem: `${ofCert} holds no certificate chain in PEM form`,
      wayOut: 'write the certificate of the server first, then those of its issuers, in PEM',
    };
  }
  const key = parseKey(keyPem);
  if (typeof key === 'string')
    return { problem: `${ofKey} ${key}`, wayOut: 'keep it as PEM without a passphrase, mode 600' };
  if (!leaf.checkPrivateKey(key)) {
    const isOfAnother = chain.some((each) => each.checkPrivateKey(key));
    return {
      problem: `${ofKey} does not belong to the first certificate of ${files.certFile}`,
      wayOut: isOfAnother
        ? 'put the certificate of the server before those of its issuers'
        : 'name the key from which this certificate was made',
    };
  }
  try {
    createSecureContext({ ...TLS_RULES, cert: certPem, key: keyPem });
  } catch (thrown) {
    return {
      problem: `${ofCert} cannot be served (${toError(thrown).message.slice(0, 120)})`,
      wayOut: 'have it made anew, with ECDSA P-256 or RSA of at least 2048 bits, and SHA-256',
    };
  }
  return {
    certPem,
    keyPem,
    validFromMs: Date.parse(leaf.validFrom),
    validToMs: Date.parse(leaf.validTo),
    names: namesOf(leaf),
    fingerprint: leaf.fingerprint256,
  };
}

function parseChain(pem: string): readonly X509Certificate[] | undefined {
  try {
    return (pem.match(CERTIFICATE_BLOCK) ?? []).map((block) => new X509Certificate(block));
  } catch {
    return undefined;
  }
}

/** The key, or why it is none. The words of the library are not repeated: they could quote what they read. */
function parseKey(pem: string): KeyObject | string {
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/.test(pem))
    return 'is encrypted, and a listener that reloads by itself has nobody to ask for the passphrase';
  try {
    return createPrivateKey({ key: pem, format: 'pem' });
  } catch {
    return 'holds no private key in PEM form';
  }
}

function namesOf(leaf: X509Certificate): string {
  const names = (leaf.subjectAltName ?? '')
    .split(', ')
    .map((each) => each.replace(/^(DNS|IP Address):/, ''))
    .filter((each) => each !== '');
  const shown = names.slice(0, 5).join(', ');
  if (names.length === 0) return leaf.subject.replaceAll('\n', ', ').slice(0, 200);
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}

function bad(problem: string, wayOut: string): CertificateProblem {
  return { problem, wayOut, contentHash: '' };
}
