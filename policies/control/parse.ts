import { findConsistencyProblems } from './consistency.js';
import type { ControlDocument } from './document.js';
import { type ControlProblem, problemsFromIssue } from './problem.js';
import { readRawParts } from './raw-parts.js';
import { findReferenceProblems } from './references.js';
import { controlDocumentSchema } from './schema.js';

export type ParsedControl =
  | { readonly ok: true; readonly document: ControlDocument }
  | { readonly ok: false; readonly problems: readonly ControlProblem[] };

/**
 * Reads a control document from parsed YAML or JSON. Total: the document, or every problem at once; shape and
 * references are both checked even when the other has problems.
 */
export function parseControlDocument(raw: unknown): ParsedControl {
  const shape = controlDocumentSchema.safeParse(raw);
  const parts = readRawParts(raw);
  const problems = [
    ...(shape.success ? [] : shape.error.issues.flatMap((issue) => problemsFromIssue(issue, raw))),
    ...findReferenceProblems(parts),
    ...findConsistencyProblems(parts),
  ];
  if (shape.success && problems.length === 0) return { ok: true, document: shape.data };
  return { ok: false, problems };
}
