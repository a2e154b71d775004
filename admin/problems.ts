/** Errors of the API as RFC 9457 problem details: what is wrong, where, which rule, and the way out. */
import { STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import {
  hasZodFastifySchemaValidationErrors,
  type ZodFastifySchemaValidationError,
} from 'fastify-type-provider-zod';
import { z } from 'zod';
import { Fault, tgLabel, type TgName } from '#base/errors.js';
import type { Log } from '#base/log.js';
import { isDatabaseAway } from '#base/postgres/outages.js';
import { isReadOnly } from '#base/postgres/pool.js';

/** One field that is wrong. */
export interface FieldProblem {
  readonly field: string;
  readonly rule: string;
  readonly wayOut: string;
  /** Place in a text that was sent, from 1. */
  readonly line?: number;
  readonly column?: number;
}

export interface Problem {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly errors?: readonly FieldProblem[];
  /** What a program does something about. */
  readonly code?: ProblemCode;
  /** How a sign-in of the console is confirmed, with that code. */
  readonly confirmBy?: 'token' | 'oidc';
}

export const PROBLEM_CODES = ['confirm-sign-in'] as const;
export type ProblemCode = (typeof PROBLEM_CODES)[number];

/** What the API's document says of every error reply. */
export const problemSchema: z.ZodType = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    errors: z
      .array(
        z.object({
          field: z.string(),
          rule: z.string(),
          wayOut: z.string(),
          line: z.int().optional(),
          column: z.int().optional(),
        }),
      )
      .optional(),
    code: z.enum(PROBLEM_CODES).optional(),
    confirmBy: z.enum(['token', 'oidc']).optional(),
  })
  .describe('Problem details (RFC 9457)');

/** An ending of a route that is not a success; thrown by routes, sent by the error handler. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

/** 404 with the names of what was asked for. */
export function notFound(detail: string, wayOut: string, field: string): ProblemError {
  return new ProblemError({
    status: 404,
    title: 'Not found',
    detail,
    errors: [{ field, rule: 'must exist', wayOut }],
  });
}

/** 400 for one field. */
export function badField(field: string, rule: string, wayOut: string): ProblemError {
  return new ProblemError({
    status: 400,
    title: 'Bad request',
    detail: `${field} ${rule}.`,
    errors: [{ field, rule, wayOut }],
  });
}

/** 409 for one field. */
export function conflict(
  detail: string,
  field: string,
  rule: string,
  wayOut: string,
): ProblemError {
  return new ProblemError({
    status: 409,
    title: 'Conflict',
    detail,
    errors: [{ field, rule, wayOut }],
  });
}

/** `Payload Too Large`. */
export function titleOf(status: number): string {
  return STATUS_CODES[status] ?? 'Refused';
}

/** Sends a problem with the media type of RFC 9457. */
export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  return reply
    .code(problem.status)
    .header('content-type', 'application/problem+json; charset=utf-8')
    .serializer((body: unknown) => JSON.stringify(body))
    .send({ type: 'about:blank', ...problem });
}

/** The one place that turns what routes throw into replies; what nobody foresaw is logged and kept from the client. */
export function problemHandler(
  log: Log,
): (error: FastifyError | Error, request: FastifyRequest, reply: FastifyReply) => FastifyReply {
  return (error, request, reply) => {
    if (error instanceof ProblemError) return sendProblem(reply, error.problem);
    if (error instanceof Fault) return sendProblem(reply, problemOfFault(error, log));
    if (hasZodFastifySchemaValidationErrors(error))
      return sendProblem(reply, {
        status: 400,
        title: 'Bad request',
        detail: 'The request does not have the form that the API document describes.',
        errors: error.validation.flatMap((issue) =>
          toFieldProblems(issue, error.validationContext),
        ),
      });
    const status =
      'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : 500;
    if (status < 500)
      return sendProblem(reply, { status, title: titleOf(status), detail: error.message });
    const isAway = isDatabaseAway(error);
    logFailure(log, isAway, { err: error, route: request.routeOptions.url });
    if (isAway)
      return sendProblem(reply, {
        status: 503,
        title: 'Database unavailable',
        detail: isReadOnly(error)
          ? 'The database takes no writes now; nothing was changed. Send it again later.'
          : 'The database does not answer; nothing is known to have changed. Send it again later.',
      });
    return sendProblem(reply, {
      status: 500,
      title: 'Internal error',
      detail: 'The request could not be completed; the log of this replica says why.',
    });
  };
}

const FAULT_STATUS: Partial<Record<TgName, number>> = {
  requestMalformed: 400,
  ledgerUnavailable: 503,
  controlStale: 503,
};

function problemOfFault(fault: Fault, log: Log): Problem {
  const status = FAULT_STATUS[fault.code] ?? 500;
  if (status >= 500) logFailure(log, status === 503, { err: fault, code: tgLabel(fault.code) });
  return { status, title: tgLabel(fault.code), detail: fault.message };
}

/** A database that is away is nobody's mistake here, and told of as such by whoever follows it. */
function logFailure(log: Log, isAway: boolean, fields: object): void {
  const message = 'an admin request failed';
  if (isAway) log.warn(fields, message);
  else log.error(fields, message);
}

function toFieldProblems(
  issue: ZodFastifySchemaValidationError,
  part: string | undefined,
): readonly FieldProblem[] {
  const field = fieldOf(issue.instancePath, part);
  if (issue.keyword === 'unrecognized_keys') {
    const { keys } = issue.params as { readonly keys?: readonly string[] };
    return (keys ?? [field]).map((key) => ({
      field: key.slice(0, 100),
      rule: 'is not a field of this request',
      wayOut: 'remove it, or correct its spelling',
    }));
  }
  return [
    {
      field,
      rule: issue.message ?? 'is not valid',
      wayOut: 'correct it as /api/v1/openapi.json says',
    },
  ];
}

/** `/limitCredits` in the body → `limitCredits`; a part of the path or query says so. */
function fieldOf(instancePath: string, part: string | undefined): string {
  const path = instancePath.replace(/^\//, '').replaceAll('/', '.');
  const where = part === undefined || part === 'body' ? '' : `${part}.`;
  return path === '' ? (part ?? 'request') : `${where}${path}`;
}
