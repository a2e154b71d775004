import fastify from 'fastify';
import { validatorCompiler } from 'fastify-type-provider-zod';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { ADMIN_TOKEN_ACTOR } from '../../admin/actor.js';
import { guard } from '../../admin/auth.js';
import type { Authenticate } from '../../admin/authentication.js';

const nobody: Authenticate = () => Promise.resolve({ kind: 'unknown' });

test('the guard lets no route register that names no role', async () => {
  for (const config of [{}, { access: [] }]) {
    const app = fastify();
    app.register(async (scope) => {
      guard(scope, nobody, { failed: () => null });
      scope.get('/planted', { config }, () => 'open');
      await Promise.resolve();
    });
    await expect(app.ready()).rejects.toThrow('/planted names who may call it');
  }
});

test('the guard lets no schema pass what it does not name', async () => {
  const app = fastify();
  app.setValidatorCompiler(validatorCompiler);
  app.register(async (scope) => {
    guard(scope, () => Promise.resolve({ kind: 'known', actor: ADMIN_TOKEN_ACTOR }), {
      failed: () => null,
    });
    const config = { access: ['platform'] } as const;
    const loose = z.object({ a: z.string().optional() });
    scope.post('/loose', { config, schema: { body: loose, querystring: loose } }, () => 'done');
    scope.post('/none', { config }, () => 'done');
    await Promise.resolve();
  });
  const statusOf = async (url: string, payload: object): Promise<number> =>
    (await app.inject({ method: 'POST', url, payload })).statusCode;
  expect(await statusOf('/loose?a=1', { a: 'x' })).toBe(200);
  expect(await statusOf('/loose?b=1', { a: 'x' })).toBe(400);
  expect(await statusOf('/loose', { a: 'x', b: 'x' })).toBe(400);
  expect(await statusOf('/none', {})).toBe(200);
  expect(await statusOf('/none', { b: 'x' })).toBe(400);
  expect(await statusOf('/none?b=1', {})).toBe(400);
  await app.close();
});
