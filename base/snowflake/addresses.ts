/**
 * Which addresses the name of an upstream may resolve to. Credentials and results cross that connection, and a name
 * is answered by whoever runs the resolver at the moment: one that points to this machine, to its link or to a cloud's
 * metadata service is refused when the connection is made, by the address that is really used. Private networks are
 * allowed, because PrivateLink answers with them. An address, or `localhost`, in the setting itself is somebody's own
 * word and never looked up here.
 */
import { lookup as systemLookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

const LOCAL = new BlockList();
for (const [network, prefix] of [
  // This host and "this network" (RFC 1122 §3.2.1.3), link-local with every cloud's metadata service (RFC 3927).
  ['127.0.0.0', 8],
  ['0.0.0.0', 8],
  ['169.254.0.0', 16],
  // Multicast and reserved (RFC 5771, RFC 1112).
  ['224.0.0.0', 3],
] as const)
  LOCAL.addSubnet(network, prefix, 'ipv4');
// Metadata of Alibaba Cloud, inside the shared address space of RFC 6598.
LOCAL.addAddress('100.100.100.200', 'ipv4');
for (const [network, prefix] of [
  ['::', 127],
  ['fe80::', 10],
  ['ff00::', 8],
  // Metadata of AWS and Google Cloud.
  ['fd00:ec2::254', 128],
  ['fd20:ce::254', 128],
] as const)
  LOCAL.addSubnet(network, prefix, 'ipv6');

/** Prefixes whose last 32 bits are an IPv4 address (RFC 4291 §2.5.5, RFC 6052). */
const EMBEDDING = /^(?:::(?:ffff:(?:0:)?)?|64:ff9b::)/;

/** Loopback, link-local, metadata, multicast and unspecified addresses; text that is no address counts as one. */
export function isLocalAddress(address: string): boolean {
  const version = isIP(address);
  if (version === 0) return true;
  if (version === 4) return LOCAL.check(address, 'ipv4');
  const written = canonical(address);
  if (LOCAL.check(written, 'ipv6')) return true;
  const embedded = EMBEDDING.test(written) ? lastFourBytes(written) : undefined;
  return embedded !== undefined && LOCAL.check(embedded, 'ipv4');
}

/** An IPv6 address in one spelling, without its zone. */
function canonical(address: string): string {
  const { hostname } = new URL(`http://[${address.split('%')[0] ?? ''}]`);
  return hostname.slice(1, -1);
}

function lastFourBytes(canonicalAddress: string): string | undefined {
  const groups = canonicalAddress.split(':').slice(-2);
  const numbers = groups.map((group) => Number.parseInt(group === '' ? '0' : group, 16));
  if (numbers.length !== 2 || numbers.some(Number.isNaN)) return undefined;
  return numbers.flatMap((number) => [number >> 8, number & 255]).join('.');
}

/** A look-up that gives the addresses of a name, and fails when one of them is local. */
export function guardedLookup(lookup: typeof systemLookup = systemLookup): LookupFunction {
  return (hostname, options, done) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return done(error, []);
      const local = isOwnWord(hostname)
        ? undefined
        : addresses.find(({ address }) => isLocalAddress(address));
      const [first] = addresses;
      if (local !== undefined) return done(refusal(hostname, local.address), []);
      if (options.all === true || first === undefined) return done(null, addresses);
      return done(null, first.address, first.family);
    });
  };
}

/** Names that never leave this machine (RFC 6761 §6.3). */
function isOwnWord(hostname: string): boolean {
  return /^(?:.+\.)?localhost\.?$/i.test(hostname);
}

function refusal(hostname: string, address: string): NodeJS.ErrnoException {
  return Object.assign(
    new Error(
      `${hostname} resolves to ${address}, which is an address of this machine, its link or a metadata service; correct the name or its resolver, or set TOLLGATE_ALLOW_LOCAL_UPSTREAMS=true`,
    ),
    { code: 'ELOCALADDRESS' },
  );
}

/**
 * Looks the host of an origin up once, for clients that take no look-up of ours.
 * @throws the error of the look-up, or of {@link guardedLookup}.
 */
export function assertReachableName(
  origin: string,
  lookup: LookupFunction = guardedLookup(),
): Promise<void> {
  const host = new URL(origin).hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    lookup(host, { all: true }, (error) => (error === null ? resolve() : reject(error)));
  });
}
