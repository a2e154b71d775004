/**
 * Self-signed certificates made when a test runs: no key is ever kept, and neither openssl nor a package is needed.
 * A writer of the few DER forms that X.509 (RFC 5280) takes.
 */
import {
  createPrivateKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  type KeyObject,
} from 'node:crypto';

export interface TestCertificate {
  readonly name: string;
  readonly certPem: string;
  readonly keyPem: string;
}

export interface TestCertificateOptions {
  /** Common name; also tells certificates apart. */
  readonly name?: string;
  readonly validFrom?: Date;
  readonly validTo?: Date;
  /** `rsa` makes 2048 bits, and takes a tenth of a second. */
  readonly kind?: 'ecdsa' | 'rsa';
  readonly dnsNames?: readonly string[];
  /** Who signs it; itself unless given. */
  readonly issuer?: TestCertificate;
}

const NAME = 'tollgate test';
const DAY_MS = 86_400_000;

/** A certificate for 127.0.0.1, localhost and `dnsNames`; without an issuer it is an authority of its own. */
export function makeCertificate(options: TestCertificateOptions = {}): TestCertificate {
  const isRsa = options.kind === 'rsa';
  const { publicKey, privateKey } = isRsa
    ? generateKeyPairSync('rsa', { modulusLength: 2048 })
    : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuer =
    options.issuer === undefined ? privateKey : createPrivateKey(options.issuer.keyPem);
  const algorithm =
    issuer.asymmetricKeyType === 'rsa'
      ? sequence(oid(1, 2, 840, 113549, 1, 1, 11), tlv(0x05))
      : sequence(oid(1, 2, 840, 10045, 4, 3, 2));
  const body = toBeSigned(options, publicKey, algorithm);
  const signature = sign('sha256', body, issuer);
  const der = sequence(body, algorithm, tlv(0x03, Buffer.from([0]), signature));
  return {
    name: options.name ?? NAME,
    certPem: `-----BEGIN CERTIFICATE-----\n${(der.toString('base64').match(/.{1,64}/g) ?? []).join('\n')}\n-----END CERTIFICATE-----\n`,
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function toBeSigned(
  { name = NAME, validFrom, validTo, dnsNames = [], issuer }: TestCertificateOptions,
  publicKey: KeyObject,
  algorithm: Buffer,
): Buffer {
  const now = Date.now();
  const names = ['localhost', ...dnsNames].map((each) => tlv(0x82, Buffer.from(each)));
  const alternative = sequence(...names, tlv(0x87, Buffer.from([127, 0, 0, 1])));
  const serial = Buffer.concat([Buffer.from([0x01]), randomBytes(15)]);
  return sequence(
    tlv(0xa0, tlv(0x02, Buffer.from([2]))),
    tlv(0x02, serial),
    algorithm,
    distinguished(issuer?.name ?? name),
    sequence(
      time(validFrom ?? new Date(now - DAY_MS)),
      time(validTo ?? new Date(now + 30 * DAY_MS)),
    ),
    distinguished(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    tlv(
      0xa3,
      sequence(
        extension(oid(2, 5, 29, 17), alternative),
        extension(
          oid(2, 5, 29, 19),
          issuer === undefined ? sequence(tlv(0x01, Buffer.from([0xff]))) : sequence(),
        ),
      ),
    ),
  );
}

function distinguished(name: string): Buffer {
  return sequence(tlv(0x31, sequence(oid(2, 5, 4, 3), tlv(0x0c, Buffer.from(name)))));
}

function extension(id: Buffer, value: Buffer): Buffer {
  return sequence(id, tlv(0x04, value));
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tlv(0x30, ...parts);
}

/** Tag, length, value. */
function tlv(tag: number, ...parts: readonly Buffer[]): Buffer {
  const value = Buffer.concat(parts);
  const bytes: number[] = [];
  for (let rest = value.length; rest > 0; rest >>= 8) bytes.unshift(rest & 0xff);
  const length = value.length < 0x80 ? [value.length] : [0x80 | bytes.length, ...bytes];
  return Buffer.concat([Buffer.from([tag, ...length]), value]);
}

function oid(first: number, second: number, ...rest: readonly number[]): Buffer {
  const encoded = rest.flatMap((arc) => {
    const groups = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
      groups.unshift((left & 0x7f) | 0x80);
    return groups;
  });
  return tlv(0x06, Buffer.from([first * 40 + second, ...encoded]));
}

/** GeneralizedTime, to the second. */
function time(at: Date): Buffer {
  const text = at.toISOString().replace(/[-:T]|\.\d+/g, '');
  return tlv(0x18, Buffer.from(text));
}
