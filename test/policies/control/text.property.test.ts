import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseControlText } from '#policies/control/text.js';

const EXAMPLE = readFileSync('tollgate.example.yaml', 'utf8');

function expectTotal(text: string): void {
  const parsed = parseControlText(text);
  if (parsed.ok) return;
  const lines = text.split('\n').length;
  expect(parsed.problems.length).toBeGreaterThan(0);
  for (const { line, column, rule, wayOut } of parsed.problems) {
    expect(line).toBeGreaterThanOrEqual(1);
    expect(line).toBeLessThanOrEqual(lines);
    expect(column).toBeGreaterThanOrEqual(1);
    expect([rule, wayOut]).not.toContain('');
  }
}

test('any text is a document or has problems, each at a place inside it', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json(), fc.string({ unit: 'binary' })), (text) => {
      expectTotal(text);
    }),
    { numRuns: 300 },
  );
});

test('a document with a piece cut out and another put in is one too', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '*a',
      '&a ',
      '{',
      '[',
      ':',
      '- ',
      '"',
      '#',
      '<<: ',
      '!!x ',
      '\t',
      '---\n',
      '? ',
    ),
    fc.string({ maxLength: 5 }),
  );
  const place = fc.nat({ max: EXAMPLE.length });
  fc.assert(
    fc.property(place, fc.nat({ max: 80 }), piece, (at, length, put) => {
      expectTotal(EXAMPLE.slice(0, at) + put + EXAMPLE.slice(at + length));
    }),
    { numRuns: 40 },
  );
});
