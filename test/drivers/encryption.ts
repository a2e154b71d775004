/** TLS for the ways that go over it: a certificate of an authority of our own, and how each driver is told to trust it. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { makeCertificate } from '../support/certificates.js';
import { step } from './prepare.js';

export interface Encryption {
  /** What the listener shows: its certificate, signed by the authority. */
  readonly certPem: string;
  readonly keyPem: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly authorityPem: string;
  /** What makes a program trust the authority: Node, OpenSSL and Go, Python's requests, and Java each read their own. */
  readonly environment: Readonly<Record<string, string>>;
}

// A trust store of Java wants one, and holds no secret.
const STORE_PASSWORD = 'changeit';

/** Writes certificate, key and authority into `folder`, which exists; without Java there is no store for it, and no client of it either. */
export async function makeEncryption(folder: string): Promise<Encryption> {
  const authority = makeCertificate({ name: 'tollgate drivers authority', kind: 'rsa' });
  const shown = makeCertificate({ name: 'tollgate drivers', kind: 'rsa', issuer: authority });
  const file = (name: string, text: string): string => {
    const written = path.join(folder, name);
    writeFileSync(written, text, { mode: 0o600 });
    return written;
  };
  const authorityFile = file('authority.pem', authority.certPem);
  const store = path.join(folder, 'authority.p12');
  const options = `-alias tollgate -storetype PKCS12 -storepass ${STORE_PASSWORD}`.split(' ');
  const files = ['-file', authorityFile, '-keystore', store];
  const imported = await step('keytool', 'keytool', [
    '-importcert',
    '-noprompt',
    ...options,
    ...files,
  ]);
  const forJava = `-Djavax.net.ssl.trustStore=${store} -Djavax.net.ssl.trustStorePassword=${STORE_PASSWORD}`;
  return {
    certPem: shown.certPem,
    keyPem: shown.keyPem,
    certFile: file('tls.crt', shown.certPem),
    keyFile: file('tls.key', shown.keyPem),
    authorityPem: authority.certPem,
    environment: {
      NODE_EXTRA_CA_CERTS: authorityFile,
      SSL_CERT_FILE: authorityFile,
      REQUESTS_CA_BUNDLE: authorityFile,
      ...(imported === null ? { JAVA_TOOL_OPTIONS: forJava } : {}),
    },
  };
}
