import { randomBytes } from 'node:crypto';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { decodeBody, decodeBodyIn, type Decoded } from '../../../proxy/wire/body.js';
import { Slices } from '../../../proxy/wire/slices.js';

const TEXT = Buffer.from('{"sqlText":"SELECT 1"}');
/** Above the size that is decoded at once, compressed too. */
const LONG = Buffer.from(randomBytes(20_000).toString('hex'));
const MAX = 64 * 1024;

/** Both ways, which must agree. */
async function decode(bytes: Buffer, coding?: string, bytesMax = MAX): Promise<Decoded> {
  const atOnce = decodeBody(bytes, coding, bytesMax);
  expect(await decodeBodyIn(new Slices(), bytes, coding, bytesMax)).toEqual(atOnce);
  return atOnce;
}

test.each([
  ['gzip', gzipSync],
  ['x-gzip', gzipSync],
  [' GZIP ', gzipSync],
  ['deflate', deflateSync],
  ['br', brotliCompressSync],
])('a body in %s is decoded', async (coding, encode) => {
  for (const bytes of [TEXT, LONG]) {
    expect(await decode(encode(bytes), coding)).toEqual({ kind: 'decoded', bytes, wasCoded: true });
  }
});

test('a body without a coding is taken as it is, unless it begins as gzip does', async () => {
  for (const coding of [undefined, '', 'identity']) {
    expect(await decode(TEXT, coding)).toEqual({ kind: 'decoded', bytes: TEXT, wasCoded: false });
  }
  expect(await decode(gzipSync(LONG))).toEqual({ kind: 'decoded', bytes: LONG, wasCoded: true });
  expect(await decode(gzipSync(TEXT), 'identity')).toMatchObject({ wasCoded: false });
  expect(await decode(Buffer.alloc(0), 'gzip')).toMatchObject({ kind: 'decoded' });
});

test.each([
  ['gzip', TEXT, 'the body is not valid gzip'],
  ['gzip', LONG, 'the body is not valid gzip'],
  ['gzip', gzipSync(LONG).subarray(0, 9000), 'the body is not valid gzip (unexpected end of file)'],
  ['deflate', TEXT, 'the body is not valid deflate'],
  ['br', TEXT, 'the body is not valid br'],
  [undefined, Buffer.from([0x1f, 0x8b, 1, 2]), 'the body is not valid gzip'],
  [
    'gzip, gzip',
    gzipSync(gzipSync(TEXT)),
    'the content coding "gzip, gzip" is not supported; send gzip or none',
  ],
  ['zstd', TEXT, 'the content coding "zstd" is not supported; send gzip or none'],
])('%s over other bytes is malformed, and why is said', async (coding, bytes, why) => {
  const decoded = await decode(bytes, coding);
  expect(decoded.kind).toBe('malformed');
  expect(decoded.kind === 'malformed' ? decoded.why : '').toContain(why);
});

test.each([
  ['gzip', gzipSync],
  ['deflate', deflateSync],
  ['br', brotliCompressSync],
])('a bomb in %s ends at the cap', async (coding, encode) => {
  const bomb = encode(Buffer.alloc(MAX + 1));
  expect(await decode(bomb, coding)).toEqual({ kind: 'tooLarge', bytesMax: MAX });
  expect(await decode(encode(Buffer.alloc(MAX)), coding)).toMatchObject({ kind: 'decoded' });
});

test('a large bomb does not stand in the way of others', async () => {
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, 1);
  expect((await decodeBodyIn(new Slices(), bomb, 'gzip', 60 * 1024 * 1024)).kind).toBe('tooLarge');
  clearInterval(timer);
  expect(turns).toBeGreaterThan(3);
});
