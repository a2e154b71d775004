import type { LookupAddress } from 'node:dns';
import { describe, expect, test } from 'vitest';
import {
  assertReachableName,
  guardedLookup,
  isLocalAddress,
} from '../../../base/snowflake/addresses.js';

describe('an address', () => {
  test.each([
    ['127.0.0.1'],
    ['127.255.0.9'],
    ['0.0.0.0'],
    ['169.254.169.254'],
    ['100.100.100.200'],
    ['224.0.0.1'],
    ['255.255.255.255'],
    ['::'],
    ['::1'],
    ['0:0:0:0:0:0:0:1'],
    ['fe80::1'],
    ['fe80::1%eth0'],
    ['ff02::1'],
    ['fd00:ec2::254'],
    ['fd20:ce::254'],
    ['::ffff:127.0.0.1'],
    ['::ffff:169.254.169.254'],
    ['::ffff:a9fe:a9fe'],
    ['::127.0.0.1'],
    ['64:ff9b::169.254.169.254'],
    ['64:ff9b::7f00:1'],
    ['not an address'],
    [''],
  ])('%s is local', (address) => {
    expect(isLocalAddress(address)).toBe(true);
  });

  test.each([
    ['10.0.0.1'],
    ['172.16.0.1'],
    ['192.168.1.1'],
    ['100.64.0.1'],
    ['52.1.2.3'],
    ['2600:1f18::1'],
    ['fd12:3456::1'],
    ['::ffff:10.0.0.1'],
    ['64:ff9b::3401:203'],
  ])('%s is not', (address) => {
    expect(isLocalAddress(address)).toBe(false);
  });
});

/** A resolver that answers every name with these. */
function resolver(...addresses: string[]): Parameters<typeof guardedLookup>[0] {
  const found: LookupAddress[] = addresses.map((address) => ({
    address,
    family: address.includes(':') ? 6 : 4,
  }));
  const lookup = (
    _host: string,
    _options: object,
    done: (error: NodeJS.ErrnoException | null, all: LookupAddress[]) => void,
  ): void => done(null, found);
  return lookup as Parameters<typeof guardedLookup>[0];
}

function look(
  host: string,
  all: boolean,
  ...addresses: string[]
): Promise<string | readonly LookupAddress[]> {
  return new Promise((resolve, reject) => {
    guardedLookup(resolver(...addresses))(host, { all }, (error, found) =>
      error === null ? resolve(found) : reject(error),
    );
  });
}

describe('the name of an upstream', () => {
  test('that resolves to public or private networks is used, one address or all', async () => {
    expect(await look('a.snowflakecomputing.com', false, '10.1.2.3', '10.1.2.4')).toBe('10.1.2.3');
    expect(await look('a.snowflakecomputing.com', true, '52.1.2.3', '2600::1')).toHaveLength(2);
  });

  test.each([[true], [false]])(
    'that resolves to a metadata service, even among others, is refused with what to do (all: %s)',
    async (all) => {
      await expect(
        look('a.snowflakecomputing.com', all, '52.1.2.3', '169.254.169.254'),
      ).rejects.toThrow(/resolves to 169\.254\.169\.254.*TOLLGATE_ALLOW_LOCAL_UPSTREAMS/);
    },
  );

  test('that is localhost may be this machine', async () => {
    expect(await look('localhost', false, '127.0.0.1')).toBe('127.0.0.1');
    expect(await look('alpha.localhost', false, '::1')).toBe('::1');
    await expect(look('localhost.example.com', false, '127.0.0.1')).rejects.toThrow('127.0.0.1');
  });

  test('is looked up before a sign-in, an address is not', async () => {
    const lookup = guardedLookup(resolver('169.254.169.254'));
    await expect(assertReachableName('https://rebound.example.com', lookup)).rejects.toThrow(
      'metadata',
    );
    await assertReachableName('http://127.0.0.1:8082', lookup);
    await assertReachableName('http://[::1]:8082', lookup);
  });
});
