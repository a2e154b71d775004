/** The control document as requests bring it: as JSON, or as the text of a reviewed file. */
import { z } from 'zod';
import type { ControlDocument } from '#policies/control/document.js';
import { parseControlDocument } from '#policies/control/parse.js';
import type { ControlProblem } from '#policies/control/problem.js';
import { parseControlText, type PlacedProblem } from '#policies/control/text.js';
import { badField, ProblemError } from '../problems.js';

/** A document of 20,000 principals is about 4 MiB. */
export const DOCUMENT_BYTES_MAX: number = 16 * 1024 * 1024;
/** Reading YAML keeps the process busy for about a second a MiB; a larger document comes as JSON. */
const TEXT_LENGTH_MAX = 1024 * 1024;
/** Most problems that one answer names. */
const PROBLEMS_MAX = 200;

export const documentSchema: z.ZodRecord<z.ZodString, z.ZodUnknown> = z
  .record(z.string(), z.unknown())
  .describe('The control document; /api/v1/control/schema.json says its form');

/** Fields of a request that brings a document: exactly one of the two. */
export const documentFields: {
  document: z.ZodOptional<typeof documentSchema>;
  text: z.ZodOptional<z.ZodString>;
} = {
  document: documentSchema.optional(),
  text: z
    .string()
    .max(TEXT_LENGTH_MAX, 'must be at most 1 MiB; send a longer document as JSON in document')
    .optional()
    .describe('The document as YAML, instead of document; problems then name line and column'),
};

/** The accepted document of a request. @throws ProblemError that names every problem, those of a text with their places. */
export function documentOf(body: {
  readonly document?: unknown;
  readonly text?: string | undefined;
}): ControlDocument {
  if ((body.document === undefined) === (body.text === undefined))
    throw badField(
      'document',
      'must be given, or text instead of it',
      'send exactly one of the two',
    );
  const parsed =
    body.text === undefined ? parseControlDocument(body.document) : parseControlText(body.text);
  if (!parsed.ok) throw invalidDocument(parsed.problems);
  return parsed.document;
}

/** 400 with every problem of a document. */
export function invalidDocument(
  problems: readonly (ControlProblem | PlacedProblem)[],
  detail = 'The control document is not valid; nothing was changed.',
): ProblemError {
  const more = problems.length - PROBLEMS_MAX;
  return new ProblemError({
    status: 400,
    title: 'Bad request',
    detail: more > 0 ? `${detail} ${more} more problems are not listed.` : detail,
    errors: problems.slice(0, PROBLEMS_MAX).map((problem) => ({
      field: problem.path,
      rule: problem.rule,
      wayOut: problem.wayOut,
      ...('line' in problem ? { line: problem.line, column: problem.column } : {}),
    })),
  });
}
