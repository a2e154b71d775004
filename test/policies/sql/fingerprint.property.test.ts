import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fingerprint, SHAPE_LENGTH_MAX } from '#policies/sql/fingerprint.js';
import { longRun } from '../../support/long-run.js';
import {
  changed,
  randomOf,
  valueStatementOf,
  writtenAnew,
  writtenPlainly,
} from '../../support/sql-grammar.js';

const MARKER = 'ZQXMARKERXQZ';

const WORDS = `select with values insert create alter copy call execute immediate in as begin end table identifier
  result_scan system$wait password null é b$c a$$b :name ? $1 $v @s/a @s/a@ @~ @%t ( ) , . ; 1 -2.5e3 "q" "Ünï"`;
const CODE = [...WORDS.split(/\s+/), ' = ', ' - ', ' < ', ' => ', '"q ""x"', '\u200b'];

/** The marker between other characters that are escaped as each kind of literal asks. */
const hidden = fc
  .tuple(fc.string({ unit: 'binary' }), fc.string(), fc.nat(4))
  .map(([before, after, kind]) => {
    const inner = before + MARKER + after;
    switch (kind) {
      case 0:
        return `'${inner.replaceAll(/['\\]/g, '\\$&')}'`;
      case 1:
        return `'s3://${inner.replaceAll('\\', '').replaceAll("'", "''")}'`;
      case 2:
        return `$$${inner.replaceAll('$', '')}$$`;
      case 3:
        return `/*${inner.replaceAll('*', '')}*/`;
      default:
        return `--${inner.replaceAll(/[\n\r]/g, '')}\n`;
    }
  });

/** Pieces with and without blanks between them; operators that would join into the start of a comment have their own. */
const pieces = fc.array(
  fc.tuple(
    fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...CODE) }, { weight: 1, arbitrary: hidden }),
    fc.constantFrom('', ' ', '\n'),
  ),
  { maxLength: 30 },
);
const statement = fc
  .tuple(fc.constantFrom('', '', 'put file:///x', 'put file:///x @~'), pieces)
  .map(([head, rest]) => head + rest.flat().join(''));

test('what a literal or comment says is never in the shape, whatever stands around it', () => {
  fc.assert(
    fc.property(statement, (sql) => {
      const { shape } = fingerprint(sql);
      expect(shape.toUpperCase()).not.toContain(MARKER);
      expect(shape.length).toBeLessThanOrEqual(SHAPE_LENGTH_MAX);
    }),
    { numRuns: 5_000 },
  );
});

test('no part of a literal is in the shape where the shape is cut', () => {
  fc.assert(
    fc.property(hidden, fc.integer({ min: 1_900, max: 2_010 }), (literal, pad) => {
      const sql = `create user a ${'b'.repeat(pad)} ${literal} c`;
      expect(fingerprint(sql).shape).toMatch(/^CREATE USER A B+( #?)?( C?)?$/);
    }),
  );
});

test('white space, comments, letter case, literals and lengths of lists do not change the fingerprint', () => {
  const run = longRun('fingerprints', 300);
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const random = randomOf(seed);
      const parts = valueStatementOf(random);
      const one = writtenAnew(parts, random);
      expect(fingerprint(one), one).toEqual(fingerprint(writtenPlainly(parts)));
    }),
    { numRuns: run.count, seed: run.seed },
  );
  run.report({ statements: run.count });
});

test.each(['table', 'column', 'comparison', 'quoted'] as const)(
  'another %s is another fingerprint, however both are written',
  (kind) => {
    const run = longRun(`fingerprints-${kind}`, 200);
    let compared = 0;
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const random = randomOf(seed);
        const parts = valueStatementOf(random);
        const other = changed(parts, kind, random);
        if (other === undefined) return;
        compared += 1;
        expect(fingerprint(writtenAnew(other, random)).hash).not.toBe(
          fingerprint(writtenAnew(parts, random)).hash,
        );
      }),
      { numRuns: run.count, seed: run.seed },
    );
    expect(compared).toBeGreaterThan(0);
    run.report({ compared });
  },
);
