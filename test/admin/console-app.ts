/** The admin API with a console and no pages, as tests of its sign-ins ask it. */
import type { FastifyInstance } from 'fastify';
import { createAdminApp } from '../../admin/server.js';
import type { ConsoleOptions } from '../../admin/admin-api.js';
import { createMetrics } from '../../base/metrics.js';
import type { AdminWorld } from './world.js';

/** What a page sends when its person does something. */
export const BY_USER = { 'x-tollgate-console': 'user' };

const PAGE = { type: 'text/html', bytes: Buffer.from(''), zipped: Buffer.from('') };

/** One replica over the world's database. */
export function createConsoleApp(
  { options }: AdminWorld,
  console: Partial<ConsoleOptions>,
): Promise<FastifyInstance> {
  const files = { index: PAGE, assets: new Map() };
  return createAdminApp({
    ...options,
    metrics: createMetrics(),
    api: { ...options.api, console: { files, isSecure: false, ...console } },
  });
}

export interface ConsoleReply {
  readonly status: number;
  readonly text: string;
  /** The first that was set, by name and value; `undefined` where none was. */
  readonly cookie: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

export interface ConsoleRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly url: string;
  readonly cookie?: string;
  readonly body?: object;
  readonly from?: string;
  readonly userAgent?: string;
}

/** Sends what a page of the console would. */
export async function sendTo(app: FastifyInstance, asked: ConsoleRequest): Promise<ConsoleReply> {
  const { method, url, cookie = '', body, from, userAgent } = asked;
  const reply = await app.inject({
    method,
    url,
    headers: { ...BY_USER, cookie, ...(userAgent !== undefined && { 'user-agent': userAgent }) },
    ...(from !== undefined && { remoteAddress: from }),
    ...(body !== undefined && { payload: body }),
  });
  return {
    status: reply.statusCode,
    text: reply.body,
    cookie: String(reply.headers['set-cookie']).split(';')[0] ?? '',
    headers: reply.headers,
  };
}
