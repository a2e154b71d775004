/** The operations of the API as its own document tells them, so that a test meets every route there will ever be. */
import type { FastifyInstance } from 'fastify';
import { API_ROLES, type ApiRole } from '../../admin/actor.js';

export type Json = Record<string, unknown>;

export interface Operation {
  readonly name: string;
  readonly method: 'GET' | 'PUT' | 'POST';
  /** `/api/v1/teams/{team}`. */
  readonly template: string;
  readonly roles: readonly ApiRole[];
  readonly pathParameters: readonly string[];
  readonly queryParameters: readonly string[];
  /** Some query parameter must be sent. */
  readonly isAskedByQuery: boolean;
  /** A body that the route takes; undefined: it takes none. */
  readonly example: Json | undefined;
  /** Schemas of the body's fields by name. */
  readonly fields: Readonly<Record<string, Json>>;
  readonly raw: Json;
}

export interface ApiDocument {
  readonly openapi: string;
  readonly components: { readonly responses: Json; readonly schemas: Json };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Json>>>>;
}

export async function readDocument(app: FastifyInstance): Promise<ApiDocument> {
  return (await app.inject({ method: 'GET', url: '/api/v1/openapi.json' })).json<ApiDocument>();
}

export async function readOperations(app: FastifyInstance): Promise<readonly Operation[]> {
  const { paths } = await readDocument(app);
  return Object.entries(paths).flatMap(([template, methods]) =>
    Object.entries(methods).map(([method, raw]) => toOperation(template, method, raw)),
  );
}

function toOperation(template: string, method: string, raw: Json): Operation {
  const parameters = list(raw['parameters']).map(object);
  const named = (place: string): readonly string[] =>
    parameters.filter((each) => each['in'] === place).map((each) => String(each['name']));
  const json = object(object(object(raw['requestBody'])['content'])['application/json']);
  const roles = list(raw['x-roles']);
  return {
    name: `${method.toUpperCase()} ${template}`,
    method: method.toUpperCase() as Operation['method'],
    template,
    roles: API_ROLES.filter((role) => roles.includes(role)),
    pathParameters: named('path'),
    queryParameters: named('query'),
    isAskedByQuery: parameters.some((each) => each['in'] === 'query' && each['required'] === true),
    example: raw['requestBody'] === undefined ? undefined : object(json['example']),
    fields: object(object(json['schema'])['properties']) as Record<string, Json>,
    raw,
  };
}

/** The path with its parameters filled in; a parameter without a value gets its own name. */
export function pathOf(operation: Operation, values: Readonly<Record<string, string>>): string {
  return operation.template.replace(/\{(\w+)\}/g, (_all, name: string) =>
    encodeURIComponent(values[name] ?? name),
  );
}

export function object(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
