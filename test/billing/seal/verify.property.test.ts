import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson } from '../../../base/canonical-json.js';
import { anchorOf, GENESIS_HASH, merkleRoot } from '../../../base/hash-chain.js';
import type { SealKey } from '../../../base/sealing.js';
import { LEDGER_FORMAT, type LedgerLine } from '../../../billing/seal/export-lines.js';
import {
  ANCHOR_PURPOSE,
  anchorFields,
  leafOfRecord,
  type LedgerRecord,
  RECORD_PARTS,
  type RecordPart,
  type RecordRow,
  sealRecords,
} from '../../../billing/seal/record.js';
import { verifyLedger, verifyLedgers } from '../../../billing/seal/verify.js';

const KEY: SealKey = { id: 'first', key: Buffer.alloc(32, 1) };
const OTHER: SealKey = { id: 'first', key: Buffer.alloc(32, 2) };

const rows = (part: RecordPart, maxLength: number): fc.Arbitrary<readonly RecordRow[]> =>
  fc.array(
    fc.record(
      Object.fromEntries(
        RECORD_PARTS[part].map((column) => [column, fc.option(fc.string({ maxLength: 4 }))]),
      ),
    ),
    { maxLength },
  );

/** Journals with ids of their own, and whatever text stands in their columns. */
const records: fc.Arbitrary<readonly LedgerRecord[]> = fc
  .array(
    fc.record({
      journal: rows('journal', 1).map((journal) => journal.slice(0, 1)),
      entries: rows('entries', 2),
      charges: rows('charges', 1),
      parts: rows('parts', 1),
      deltas: rows('deltas', 1),
      trueUps: rows('trueUps', 1),
    }),
    { minLength: 3, maxLength: 7 },
  )
  .map((made) =>
    made.map((record, at) => ({ ...record, journal: [{ ...record.journal[0], id: String(at) }] })),
  )
  .map((made) =>
    made.map((record) => ({
      ...record,
      journal: record.journal.map((row) => ({
        ...Object.fromEntries(RECORD_PARTS.journal.map((column) => [column, null])),
        ...row,
      })),
    })),
  );

/** The export that Tollgate would write of the records, sealed in batches of two. */
function exportOf(made: readonly LedgerRecord[], key: SealKey = KEY): LedgerLine[] {
  const sealed = sealRecords(made, 1, GENESIS_HASH);
  const lines: LedgerLine[] = [];
  let batches = 0;
  for (let at = 0; at < made.length; at += 2) {
    const batch = sealed.slice(at, at + 2);
    for (const [offset, { sequence, hash }] of batch.entries()) {
      const record = made[at + offset];
      if (record !== undefined)
        lines.push({ kind: 'record', sequence, journalId: String(at + offset), hash, ...record });
    }
    batches += 1;
    const facts = {
      id: batches,
      keyId: key.id,
      sealedAt: '2026-07-15T12:00:00.000Z',
      firstSequence: at + 1,
      lastSequence: at + batch.length,
      previousHash: sealed[at - 1]?.hash ?? GENESIS_HASH,
      headHash: batch.at(-1)?.hash ?? '',
      root: merkleRoot(batch.map(({ leaf }) => leaf)),
    };
    lines.push({
      kind: 'batch',
      ...facts,
      anchor: anchorOf(key, ANCHOR_PURPOSE, anchorFields(facts)),
    });
  }
  const headHash = sealed.at(-1)?.hash ?? '';
  return [
    {
      kind: 'manifest',
      format: LEDGER_FORMAT,
      firstSequence: 1,
      lastSequence: made.length,
      previousHash: GENESIS_HASH,
      headHash,
      batches,
      unsealed: 0,
    },
    ...lines,
  ];
}

const spelled = (lines: readonly LedgerLine[]): string[] => lines.map(canonicalJson);

type Mutation = (lines: readonly string[], at: number, other: number, seed: number) => string[];

/** What one hand may do to an export. */
const MUTATIONS: Readonly<Record<string, Mutation>> = {
  'a line removed': (lines, at) => lines.toSpliced(at, 1),
  'a line twice': (lines, at) => lines.toSpliced(at, 0, lines[at] ?? ''),
  'two lines swapped': (lines, at, other) =>
    lines.with(at, lines[other] ?? '').with(other, lines[at] ?? ''),
  'the end cut off': (lines, at) => lines.slice(0, at),
  'a character changed': (lines, at, _other, seed) => {
    const line = lines[at] ?? '';
    const place = seed % Math.max(1, line.length);
    const changed = line[place] === '7' ? '8' : '7';
    return lines.with(at, line.slice(0, place) + changed + line.slice(place + 1));
  },
  'the key that sealed renamed': (lines, at) => {
    const batches = lines.flatMap((line, place) => (line.includes('"keyId"') ? [place] : []));
    const place = batches[at % batches.length] ?? -1;
    const line = JSON.parse(lines[place] ?? '') as Record<string, unknown>;
    return lines.with(place, canonicalJson({ ...line, keyId: 'nobody' }));
  },
  'a column changed': (lines, at, _other, seed) => {
    const line = JSON.parse(lines[at] ?? '') as Record<string, unknown>;
    const journal = line['journal'] as Record<string, string>[] | undefined;
    if (journal === undefined) return lines.with(at, canonicalJson({ ...line, extra: 1 }));
    const column = RECORD_PARTS.journal[seed % RECORD_PARTS.journal.length] ?? 'id';
    const row = { ...journal[0], [column]: `${journal[0]?.[column] ?? ''}!` };
    return lines.with(at, canonicalJson({ ...line, journal: [row] }));
  },
};

test.each(Object.keys(MUTATIONS))('of any ledger, %s is found', async (name) => {
  const mutate = MUTATIONS[name];
  await fc.assert(
    fc.asyncProperty(records, fc.nat(), fc.nat(), fc.nat(), async (made, a, b, seed) => {
      const lines = spelled(exportOf(made));
      const at = a % lines.length;
      const other = b % lines.length;
      const changed = mutate?.(lines, at, other, seed) ?? [];
      fc.pre(changed.join('\n') !== lines.join('\n'));
      expect(await verifyLedger(lines, { keys: [KEY] })).toMatchObject({
        kind: 'intact',
        records: made.length,
      });
      expect((await verifyLedger(changed, { keys: [KEY] })).kind).toBe('broken');
    }),
    { numRuns: 60 },
  );
});

test('criterion 17: the first record that was changed is named, whichever it is', async () => {
  await fc.assert(
    fc.asyncProperty(records, fc.nat(), async (made, pick) => {
      const at = pick % made.length;
      // A row of another hand under the hash that was sealed.
      const lines = exportOf(made).map((line) =>
        line.kind === 'record' && line.sequence === at + 1
          ? {
              ...line,
              entries: [
                ...line.entries,
                { ordinal: null, budget_period_id: null, account: 'spent', credits: null },
              ],
            }
          : line,
      );
      expect(await verifyLedger(spelled(lines))).toMatchObject({
        kind: 'broken',
        sequence: at + 1,
      });
    }),
    { numRuns: 60 },
  );
});

type Forgery = (lines: readonly LedgerLine[], at: number) => readonly LedgerLine[];

/** What is done to the record at a place, and which sequence is then the first that does not fit, from the place on. */
const FORGERIES: Readonly<Record<string, readonly [Forgery, number]>> = {
  'a record removed': [(lines, at) => lines.toSpliced(at, 1), 0],
  // Those behind it have the numbers of those before them, as if it had never been.
  'a record removed and the gap closed': [
    (lines, at) =>
      lines.toSpliced(at, 1).map((line, place) => (place < at ? line : renumbered(line, -1))),
    0,
  ],
  'a record inserted': [(lines, at) => lines.toSpliced(at, 0, of(lines[at])), 1],
  'a record inserted and those behind it moved up': [
    (lines, at) => [
      ...lines.slice(0, at),
      { ...of(lines[at]), journalId: 'new', journal: [{ ...of(lines[at]).journal[0], id: 'new' }] },
      ...lines.slice(at).map((line) => renumbered(line, 1)),
    ],
    0,
  ],
  'two records swapped': [
    (lines, at) => {
      const other = lines.findIndex((line, place) => place > at && line.kind === 'record');
      return lines.with(at, of(lines[other])).with(other, of(lines[at]));
    },
    0,
  ],
  'two records swapped under each other’s numbers': [
    (lines, at) => {
      const other = lines.findIndex((line, place) => place > at && line.kind === 'record');
      const [one, two] = [of(lines[at]), of(lines[other])];
      return lines
        .with(at, { ...two, sequence: one.sequence, hash: one.hash })
        .with(other, { ...one, sequence: two.sequence, hash: two.hash });
    },
    0,
  ],
};

function of(line: LedgerLine | undefined): Extract<LedgerLine, { readonly kind: 'record' }> {
  if (line?.kind !== 'record') throw new Error('the line is no record');
  return line;
}

function renumbered(line: LedgerLine, by: number): LedgerLine {
  return line.kind === 'record' ? { ...line, sequence: line.sequence + by } : line;
}

test.each(Object.keys(FORGERIES))(
  'criterion 17: of %s the first sequence that does not fit is named, whichever it is',
  async (name) => {
    const [forge, beyond] = FORGERIES[name] ?? [() => [], 0];
    await fc.assert(
      fc.asyncProperty(records, fc.nat(), async (made, pick) => {
        const lines = exportOf(made);
        // Not the last: there has to be another to be swapped with.
        const sequence = 1 + (pick % (made.length - 1));
        const at = lines.findIndex((line) => line.kind === 'record' && line.sequence === sequence);
        expect(await verifyLedger(spelled(forge(lines, at)))).toMatchObject({
          kind: 'broken',
          sequence: sequence + beyond,
        });
      }),
      { numRuns: 40 },
    );
  },
);

test('a ledger that was sealed anew as a whole fits itself: a known head and the key find it', async () => {
  await fc.assert(
    fc.asyncProperty(records, async (made) => {
      const known = exportOf(made)[0];
      const head = known?.kind === 'manifest' ? known.headHash : '';
      const rewritten = spelled(exportOf(made.slice(1), OTHER));
      expect((await verifyLedger(rewritten)).kind).toBe('broken');
      const renumbered = made
        .slice(1)
        .map((record, at) => ({ ...record, journal: [{ ...record.journal[0], id: String(at) }] }));
      const whole = spelled(exportOf(renumbered as readonly LedgerRecord[], OTHER));
      expect((await verifyLedger(whole)).kind).toBe('intact');
      expect((await verifyLedger(whole, { head })).kind).toBe('shortened');
      expect(await verifyLedger(whole, { keys: [KEY] })).toMatchObject({
        kind: 'broken',
        why: expect.stringContaining('without the key') as string,
      });
    }),
    { numRuns: 30 },
  );
});

/** The same ledger as one export a batch, as months are exported. */
function monthsOf(made: readonly LedgerRecord[], key: SealKey = KEY): string[][] {
  const months: LedgerLine[][] = [[]];
  for (const line of exportOf(made, key).slice(1)) {
    months.at(-1)?.push(line);
    if (line.kind === 'batch') months.push([]);
  }
  return months.slice(0, -1).map((lines) => {
    const batch = lines.at(-1);
    if (batch?.kind !== 'batch') throw new Error('a month ends with its batch');
    const { firstSequence, lastSequence, previousHash, headHash } = batch;
    return spelled([
      {
        kind: 'manifest',
        format: LEDGER_FORMAT,
        firstSequence,
        lastSequence,
        previousHash,
        headHash,
        batches: 1,
        unsealed: 0,
      },
      ...lines,
    ]);
  });
}

const NOTHING_SEALED = spelled([
  {
    kind: 'manifest',
    format: LEDGER_FORMAT,
    firstSequence: 1,
    lastSequence: 0,
    previousHash: GENESIS_HASH,
    headHash: GENESIS_HASH,
    batches: 0,
    unsealed: 0,
  },
]);

test('exports that follow each other are one ledger; one that is missing, twice or in another place is found', async () => {
  await fc.assert(
    fc.asyncProperty(records, fc.nat(), async (made, pick) => {
      const months = monthsOf(made);
      const at = pick % months.length;
      const month = months[at] ?? [];
      const whole = await verifyLedgers(months.toSpliced(at, 0, NOTHING_SEALED), { keys: [KEY] });
      expect(whole).toMatchObject({
        kind: 'intact',
        records: made.length,
        span: { firstSequence: 1, lastSequence: made.length },
        anchors: { checked: months.length, unchecked: 0 },
      });
      expect((await verifyLedgers([month], { keys: [KEY] })).kind).toBe('intact');
      const broken = { kind: 'broken', line: 1, why: expect.stringContaining('export') as string };
      expect(await verifyLedgers(months.toSpliced(at, 0, month))).toMatchObject(broken);
      expect(await verifyLedgers(months.toReversed())).toMatchObject({
        ...broken,
        exportNumber: 2,
      });
      if (at > 0 && at < months.length - 1)
        expect(await verifyLedgers(months.toSpliced(at, 1))).toMatchObject(broken);
      // A month of another chain whose numbers fit.
      const renamed = made.map((record) => ({
        ...record,
        journal: record.journal.map((row) => ({ ...row, author: 'somebody else' })),
      }));
      const foreign = monthsOf(renamed)[1] ?? [];
      expect(await verifyLedgers(months.with(1, foreign))).toMatchObject({
        ...broken,
        exportNumber: 2,
        why: expect.stringContaining('two chains') as string,
      });
    }),
    { numRuns: 30 },
  );
});

test('a head is found in whichever export has it, and an export without records vouches for none', async () => {
  await fc.assert(
    fc.asyncProperty(records, fc.nat(), async (made, pick) => {
      const months = monthsOf(made);
      const batch = JSON.parse(months[pick % months.length]?.at(-1) ?? '') as { headHash: string };
      expect((await verifyLedgers(months, { head: batch.headHash })).kind).toBe('intact');
      const last = JSON.parse(months.at(-1)?.at(-1) ?? '') as { headHash: string };
      const forged = NOTHING_SEALED.map((line) =>
        canonicalJson({
          ...(JSON.parse(line) as object),
          firstSequence: made.length + 1,
          lastSequence: made.length,
          previousHash: last.headHash,
        }),
      );
      const cut = [...months.slice(0, -1), forged];
      expect((await verifyLedgers(cut, { head: last.headHash })).kind).toBe('shortened');
    }),
    { numRuns: 30 },
  );
});

test('a key that is not given is no proof of a forger: it cannot be told, and is told; what is broken stays broken', async () => {
  await fc.assert(
    fc.asyncProperty(records, async (made) => {
      const later: SealKey = { id: 'later', key: Buffer.alloc(32, 9) };
      // The first month under the first key, the others after it was rotated.
      const months = [
        ...monthsOf(made, KEY).slice(0, 1),
        ...monthsOf(made, later).slice(1),
      ] as const;
      expect(await verifyLedgers(months, { keys: [later, KEY] })).toMatchObject({ kind: 'intact' });
      expect(await verifyLedgers(months, { keys: [KEY] })).toMatchObject({
        kind: 'unproven',
        missingKeys: [{ keyId: 'later', anchors: months.length - 1 }],
      });
      expect(await verifyLedgers(months, { keys: [later] })).toMatchObject({
        kind: 'unproven',
        missingKeys: [{ keyId: 'first', anchors: 1 }],
      });
      // The forger recomputes everything and names a key that nobody has.
      const ghost = monthsOf(made, { id: 'ghost', key: Buffer.alloc(32, 5) });
      expect((await verifyLedgers(ghost, { keys: [KEY, later] })).kind).toBe('unproven');
      // Behind an anchor that cannot be checked, a row that does not fit is still the first thing to say.
      const [first = [], second = []] = months;
      const edited = second.with(
        1,
        (second[1] ?? '').replace('"kind":"record"', '"kind":"recorD"'),
      );
      expect(await verifyLedgers([first, edited], { keys: [later] })).toMatchObject({
        kind: 'broken',
        exportNumber: 2,
        line: 2,
      });
    }),
    { numRuns: 30 },
  );
});

test('no two records have one leaf by moving text between columns, tables or null', () => {
  fc.assert(
    fc.property(records, records, (some, others) => {
      for (const a of some)
        for (const b of others)
          expect(leafOfRecord(a) === leafOfRecord(b)).toBe(
            canonicalJson(plain(a)) === canonicalJson(plain(b)),
          );
    }),
    { numRuns: 60 },
  );
});

/** With null where a column is absent, as it is hashed. */
function plain(record: LedgerRecord): unknown {
  return Object.entries(RECORD_PARTS).map(([part, columns]) =>
    record[part as RecordPart].map((row) => columns.map((column) => row[column] ?? null)),
  );
}
