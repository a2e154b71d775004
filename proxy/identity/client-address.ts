/**
 * Where a client is: the address of its socket. Behind a balancer that is the balancer's, so the header
 * `X-Forwarded-For` is read, but only from peers that the setting `TOLLGATE_TRUSTED_PROXIES` names; from anybody else
 * it is what the caller merely says, and is ignored.
 */
import { isIP } from 'node:net';
import { createAddressMatcher } from '#base/cidr.js';

/** What an address is read from. */
interface Peer {
  readonly socket: { readonly remoteAddress?: string | undefined };
  readonly headers: { readonly [name: string]: string | readonly string[] | undefined };
}

/** The client's address; null when it cannot be known, and then it lies in no network. */
export type ClientAddress = (request: Peer) => string | null;

/** Proxies in a row that are believed; more is no deployment but a forged header. */
const HOPS_MAX = 20;

/**
 * @param trustedProxies networks of balancers; none: the header is never read.
 * @returns the rightmost hop that is not a trusted proxy: each proxy appends the peer it saw, so everything left of
 *   the first foreign one was written by that one.
 */
export function createClientAddress(trustedProxies: readonly string[]): ClientAddress {
  const isTrusted = createAddressMatcher(trustedProxies);
  return ({ socket, headers }) => {
    const peer = plainAddress(socket.remoteAddress ?? '');
    if (peer === null || trustedProxies.length === 0 || !isTrusted(peer)) return peer;
    const header = headers['x-forwarded-for'];
    if (header === undefined) return peer;
    const hops = String(header).split(',').reverse();
    for (const hop of hops.slice(0, HOPS_MAX)) {
      const address = plainAddress(hop.trim());
      // What a trusted proxy passes on without being an address hides who is behind it.
      if (address === null) return null;
      if (!isTrusted(address)) return address;
    }
    // Trusted all the way: the first of them asks for itself.
    return hops.length > HOPS_MAX ? null : plainAddress(hops.at(-1)?.trim() ?? '');
  };
}

/** An address without port, brackets and zone; IPv4 in its own spelling also when it came as IPv6. */
function plainAddress(text: string): string | null {
  const bare =
    /^\[([^\]]+)\](?::\d{1,5})?$/.exec(text)?.[1] ??
    /^(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}$/.exec(text)?.[1] ??
    text;
  const address = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(bare)?.[1] ?? bare.replace(/%.*$/, '');
  return isIP(address) === 0 ? null : address;
}
