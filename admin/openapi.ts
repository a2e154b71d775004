/**
 * The API's own document, OpenAPI 3.1. Routes state what is theirs (summary, schemas, roles, an example); what holds
 * for all of them is said here once: who may call, which problems there are, where an idempotency key may stand.
 */
import swagger from '@fastify/swagger';
import type { FastifyInstance, RouteOptions } from 'fastify';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import { assert } from '#base/assert.js';
import { titleOf } from './problems.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A body that the route accepts, for the document. */
    example?: object;
    /** Media types of a reply that is not JSON alone. */
    media?: readonly string[];
  }
}

/** A JSON object as the document is made of. */
type Json = Record<string, unknown>;

const METHODS: readonly string[] = ['get', 'post', 'put', 'patch', 'delete'];
const WRITES: readonly string[] = ['post', 'put', 'patch', 'delete'];

/** Problems that every route may answer with. */
const PROBLEMS: Readonly<Record<string, string>> = {
  400: 'A parameter, a header or the body is not as described here; every field that is wrong is named',
  401: 'No token, or one that is malformed, unknown, expired or revoked; of the console, a sign-in that has to be confirmed first (code confirm-sign-in)',
  403: 'The role of the token may not do this, its team is gone, or the request came from another site',
  404: 'There is no such thing, or none that this token may know of',
  409: 'It contradicts what stands, or a request with the same Idempotency-Key still runs',
  422: 'The Idempotency-Key was sent with another request',
  429: 'Too many tokens from this address that are not valid; see Retry-After',
  503: 'The database does not answer; nothing is known to have changed',
};

/** Adds the document at `path`, open to everybody: it has no secrets and tells a newcomer how to send the token. */
export async function addOpenApi(app: FastifyInstance, path: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Tollgate',
        version: '1',
        description:
          'Amounts are decimal strings with their unit in the field name. Lists come in pages. Errors are problem details (RFC 9457).',
      },
      components: {
        securitySchemes: {
          bearer: {
            type: 'http',
            scheme: 'bearer',
            description: 'The admin token, or one issued by POST /api/v1/tokens',
          },
        },
      },
      security: [{ bearer: [] }],
    },
    transform: (document) => {
      const { schema, url } = jsonSchemaTransform(document);
      return { schema: { ...schema, ...describe(document.route) }, url };
    },
    transformObject: (document) =>
      'openapiObject' in document ? complete(document.openapiObject) : document.swaggerObject,
  });
  app.get(path, { schema: { hide: true } }, () => app.swagger());
}

/** What a route's own place and config say of it. */
function describe(route: RouteOptions): Json {
  if (route.schema?.hide === true) return {};
  const method = String([route.method].flat()[0]).toLowerCase();
  const parts = route.url.split('/').slice(3);
  assert(route.schema?.summary !== undefined, `${route.url} says what it is for`);
  return {
    operationId: `${method}${parts.map(nameOf).join('')}`,
    tags: [parts[0] ?? 'api'],
    security: [{ bearer: [] }],
    'x-roles': route.config?.access ?? [],
    ...(route.config?.takesConfirmed === true ? { 'x-takes-confirmed': true } : {}),
    ...(route.config?.example === undefined ? {} : { 'x-example': route.config.example }),
    ...(route.config?.media === undefined ? {} : { 'x-media': route.config.media }),
  };
}

/** `:team` → `ByTeam`, `export.jsonl` → `ExportJsonl`. */
function nameOf(part: string): string {
  return part
    .split(/[^A-Za-z:]+/)
    .map((word) => (word.startsWith(':') ? `By${capital(word.slice(1))}` : capital(word)))
    .join('');
}

function capital(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}

/** Adds to every operation what all of them have, and says it once. */
function complete<Document extends { paths?: unknown; components?: unknown }>(
  document: Document,
): Document {
  const paths = objectOf(document.paths);
  for (const path of Object.values(paths).map(objectOf))
    for (const method of METHODS)
      if (method in path) path[method] = completeOperation(method, objectOf(path[method]));
  return { ...document, paths, components: { ...objectOf(document.components), ...COMPONENTS } };
}

function completeOperation(method: string, operation: Json): Json {
  const { 'x-example': example, 'x-media': media, ...rest } = operation;
  const isWrite = WRITES.includes(method);
  return {
    ...rest,
    ...(isWrite ? { parameters: withKey(rest['parameters']) } : {}),
    ...(rest['requestBody'] === undefined
      ? {}
      : { requestBody: withExample(objectOf(rest['requestBody']), example) }),
    responses: {
      ...successes(objectOf(rest['responses']), media),
      ...problems(objectOf(rest['responses'])),
    },
  };
}

function withKey(parameters: unknown): readonly unknown[] {
  const given = Array.isArray(parameters) ? parameters.map(objectOf) : [];
  const isThere = given.some((each) => each['name'] === 'idempotency-key');
  return isThere ? given : [...given, { $ref: '#/components/parameters/IdempotencyKey' }];
}

function withExample(requestBody: Json, example: unknown): Json {
  const json = objectOf(objectOf(requestBody['content'])['application/json']);
  const schema = objectOf(json['schema']);
  const isRequired = !JSON.stringify(schema).startsWith('{"anyOf"');
  return {
    ...requestBody,
    required: isRequired,
    content: { 'application/json': { ...json, example: example ?? exampleOf(schema) } },
  };
}

/** A value of the schema's form, for routes that give no example of their own. */
function exampleOf(schema: Json): unknown {
  const { default: fallback, enum: choices, anyOf, type } = schema;
  if (fallback !== undefined) return fallback;
  if (Array.isArray(choices)) return choices[0] as unknown;
  if (Array.isArray(anyOf)) return exampleOf(objectOf(anyOf[0]));
  if (schema['const'] !== undefined) return schema['const'];
  const required = Array.isArray(schema['required']) ? schema['required'].map(String) : [];
  const properties = objectOf(schema['properties']);
  switch (type) {
    case 'object':
      return Object.fromEntries(
        required.map((name) => [name, exampleOf(objectOf(properties[name]))]),
      );
    case 'array':
      return [];
    case 'integer':
    case 'number':
      return schema['minimum'] ?? 1;
    case 'boolean':
      return true;
    default:
      return 'text';
  }
}

function successes(responses: Json, media: unknown): Json {
  const kept = Object.entries(responses).filter(([status]) => Number(status) < 400);
  if (!Array.isArray(media))
    return Object.fromEntries(
      kept.map(([status, reply]) => [
        status,
        { ...objectOf(reply), description: status === '201' ? 'Made' : 'Done, or as asked for' },
      ]),
    );
  const content = media.map((type: string) => [
    type,
    { schema: { type: type === 'application/json' ? 'object' : 'string' } },
  ]);
  return {
    200: { description: 'Done, or as asked for', content: Object.fromEntries(content) as Json },
  };
}

const PROBLEM_CONTENT: Json = {
  'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
};

/** Those of every route by reference, and those that this one has beside them. */
function problems(responses: Json): Json {
  const own = Object.keys(responses).filter(
    (status) => Number(status) >= 400 && !(status in PROBLEMS),
  );
  return Object.fromEntries([
    ...own.map((status) => [
      status,
      { description: titleOf(Number(status)), content: PROBLEM_CONTENT },
    ]),
    ...Object.keys(PROBLEMS).map((status) => [
      status,
      { $ref: `#/components/responses/Problem${status}` },
    ]),
  ]) as Json;
}

const COMPONENTS: Json = {
  schemas: {
    Problem: {
      type: 'object',
      description: 'Problem details (RFC 9457)',
      required: ['type', 'title', 'status', 'detail'],
      properties: {
        type: { type: 'string' },
        title: { type: 'string' },
        status: { type: 'integer' },
        detail: { type: 'string' },
        errors: {
          type: 'array',
          items: {
            type: 'object',
            required: ['field', 'rule', 'wayOut'],
            properties: {
              field: { type: 'string' },
              rule: { type: 'string' },
              wayOut: { type: 'string' },
            },
          },
        },
      },
      examples: [
        {
          type: 'about:blank',
          title: 'Not found',
          status: 404,
          detail: 'There is no team "markting".',
          errors: [
            { field: 'team', rule: 'must exist', wayOut: 'GET /api/v1/teams lists the teams' },
          ],
        },
      ],
    },
  },
  parameters: {
    IdempotencyKey: {
      name: 'idempotency-key',
      in: 'header',
      required: false,
      description:
        'A key of your own for this one request: a repeat within 24 hours gets the first answer, with idempotency-replayed: true',
      schema: { type: 'string', minLength: 1, maxLength: 200 },
    },
  },
  responses: Object.fromEntries(
    Object.entries(PROBLEMS).map(([status, description]) => [
      `Problem${status}`,
      { description, content: PROBLEM_CONTENT },
    ]),
  ),
};

function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}
