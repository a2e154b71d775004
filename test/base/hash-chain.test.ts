import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  canonicalBytes,
  chainedHash,
  GENESIS_HASH,
  leafHash,
  type ChainField,
} from '../../base/hash-chain.js';

/** The definition in its plainest form, a buffer a field. */
function definedBytes(fields: readonly ChainField[]): Buffer {
  const length = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return bytes;
  };
  return Buffer.concat([
    length(fields.length),
    ...fields.flatMap((field) => {
      if (field === null) return [length(0xff_ff_ff_ff)];
      const bytes = Buffer.from(field, 'utf8');
      return [length(bytes.length), bytes];
    }),
  ]);
}

test('the bytes of a row are those that were sealed before', () => {
  expect(canonicalBytes(['a', null, '', 'é€']).toString('hex')).toBe(
    '00000004' + '0000000161' + 'ffffffff' + '00000000' + '00000005c3a9e282ac',
  );
  expect(canonicalBytes([]).toString('hex')).toBe('00000000');
});

test('any fields, broken surrogates and empty ones too, have the bytes of the definition', () => {
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.array(fc.integer({ min: 0, max: 0xff_ff })).map((units) => String.fromCharCode(...units)),
  );
  fc.assert(
    fc.property(fc.array(fc.option(text, { nil: null })), (fields) => {
      expect(canonicalBytes(fields).equals(definedBytes(fields))).toBe(true);
    }),
  );
});

test('the first link of a chain is the one that an independent SHA-256 gives', () => {
  const leaf = leafHash(canonicalBytes(['journal', '1']));
  expect(leaf).toBe('90ea6eac9f712765e31cd425dea67e4229dca900f7217b6e0b24f8ce0b530eaa');
  expect(chainedHash(GENESIS_HASH, 1, leaf)).toBe(
    'fe6226fad561d12f2068fe3268cae2b73f56add73dbfd5f8d16fcbcb359c1682',
  );
});
