/** Issues credentials through the admin API, as a platform admin would. */
import { expect } from 'vitest';
import type { System } from './system.js';

export interface Issued {
  readonly id: string;
  readonly secret: string;
}

/** POST of the API that must succeed; the parsed body. */
export async function post(
  system: System,
  path: string,
  body: object = {},
): Promise<Readonly<Record<string, unknown>>> {
  const reply = await system.admin('POST', `/api/v1/accounts/demo/${path}`, body);
  expect(reply.status, JSON.stringify(reply.body)).toBeLessThan(300);
  return reply.body as Readonly<Record<string, unknown>>;
}

/** A credential of `principal` on the demo account. */
export async function issue(
  system: System,
  principal: string,
  kind: 'password' | 'token' | 'key-pair',
  more: object = {},
): Promise<Issued> {
  const body = await post(system, 'credentials', { principal, kind, name: 'a test', ...more });
  return issuedIn(body);
}

/** Id and secret of an answer that issued or rotated. */
export function issuedIn(body: Readonly<Record<string, unknown>>): Issued {
  const { id } = body['credential'] as { readonly id: string };
  return { id, secret: String(body['secret']) };
}
