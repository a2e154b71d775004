import { BlockList, isIP } from 'node:net';

/** Whether `text` is an IPv4 or IPv6 network with its prefix length, such as `10.0.0.0/8`. */
export function isCidr(text: string): boolean {
  return tryParseCidr(text) !== undefined;
}

export interface Cidr {
  readonly address: string;
  readonly prefixBits: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** The parts of a network; undefined for anything else. A bare address is no network: write `/32` or `/128`. */
export function tryParseCidr(text: string): Cidr | undefined {
  const parts = /^([0-9A-Fa-f:.]{2,45})\/(\d{1,3})$/.exec(text);
  const [, address = '', bits = ''] = parts ?? [];
  const version = isIP(address);
  const prefixBits = Number(bits);
  if (version === 0 || prefixBits > (version === 4 ? 32 : 128)) return undefined;
  return { address, prefixBits, family: version === 4 ? 'ipv4' : 'ipv6' };
}

/** A test of addresses against networks; IPv4 written as IPv6 (`::ffff:10.0.0.1`) counts as IPv4. */
export function createAddressMatcher(cidrs: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const text of cidrs) {
    const cidr = tryParseCidr(text);
    if (cidr !== undefined) list.addSubnet(cidr.address, cidr.prefixBits, cidr.family);
  }
  return (address) => {
    const plain = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
    const version = isIP(plain);
    return version !== 0 && list.check(plain, version === 4 ? 'ipv4' : 'ipv6');
  };
}
