import type { ControlDocument } from './document.js';
import { type ControlProblem, problemFromIssue } from './problem.js';
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
  const problems = [
    ...(shape.success ? [] : shape.error.issues.flatMap(problemFromIssue)),
    ...findReferenceProblems(raw),
  ];
  if (shape.success && problems.length === 0) return { ok: true, document: shape.data };
  return { ok: false, problems };
}
