import { expect, test } from 'vitest';
import { merkleProofs, merkleRoot, rootOfProof } from '../../../base/hash-chain.js';
import type { Money } from '../../../base/units.js';
import { type UnsealedBill, billHash, sealBills } from '../../../billing/bills/bill-hash.js';
import { madeUpMonth } from '../../support/billed-month.js';

const [bill] = madeUpMonth({ days: 2 }).bills;

test('every part of a bill is in its hash', () => {
  if (bill === undefined) throw new Error('the month has bills');
  const { hash: _hash, proof: _proof, ...unsealed } = bill;
  const hash = billHash(unsealed, 'USD');
  const [line] = unsealed.lines;
  if (line === undefined) throw new Error('the bill has lines');
  const changes: Partial<UnsealedBill>[] = [
    { id: '2026-10-v2-data-science' },
    { teamName: `${unsealed.teamName} ` },
    { booking: { ...unsealed.booking, costCentre: 'CC-1' } },
    { booking: { ...unsealed.booking, mode: 'showback' } },
    { totalAmount: (unsealed.totalAmount + 1n) as Money },
    { lines: unsealed.lines.slice(1) },
    { lines: [...unsealed.lines].reverse() },
    { lines: [{ ...line, amount: (line.amount + 1n) as Money }, ...unsealed.lines.slice(1)] },
    { lines: [{ ...line, resource: null }, ...unsealed.lines.slice(1)] },
    {
      lines: [
        { ...line, corrects: { month: '2026-09', lineId: null } },
        ...unsealed.lines.slice(1),
      ],
    },
  ];
  const hashes = new Set(changes.map((change) => billHash({ ...unsealed, ...change }, 'USD')));
  expect(hashes.size).toBe(changes.length);
  expect(hashes.has(hash)).toBe(false);
  expect(billHash(unsealed, 'EUR')).not.toBe(hash);
});

test('of any number of bills each path leads to the root, and of another bill it does not', () => {
  for (let count = 1; count <= 17; count += 1) {
    const leaves = Array.from({ length: count }, (_, index) =>
      index.toString(16).padStart(64, '0'),
    );
    const root = merkleRoot(leaves);
    const proofs = merkleProofs(leaves);
    for (const [index, leaf] of leaves.entries()) {
      expect(rootOfProof(leaf, proofs[index] ?? [])).toBe(root);
      if (count > 1) expect(rootOfProof('f'.repeat(64), proofs[index] ?? [])).not.toBe(root);
    }
  }
  const sealed = sealBills(madeUpMonth({ days: 1 }).bills, 'USD');
  expect(
    sealed.bills.every(({ hash, proof }) => rootOfProof(hash, proof) === sealed.merkleRoot),
  ).toBe(true);
});
