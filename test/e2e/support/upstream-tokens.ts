/** Programmatic access tokens that the account itself issues, as an owner of the account would have them made. */
import { expect } from 'vitest';
import { RawClient } from '../../warehouse/support/raw-client.js';
import type { System } from './system.js';

/** The account's own service user, signed in at the warehouse. */
export async function connectOwner(system: System): Promise<RawClient> {
  const owner = new RawClient(Number(new URL(system.warehouseUrl).port));
  await owner.login(system.service.user, system.service.password);
  return owner;
}

/** A new token of `user`, named as the account spells it; `owner` may alter users. */
export async function newUpstreamToken(owner: RawClient, user: string): Promise<string> {
  const sql = `ALTER USER "${user}" ADD PROGRAMMATIC ACCESS TOKEN T DAYS_TO_EXPIRY = 1`;
  const reply = await owner.run(sql);
  expect(reply.body.message).toBeNull();
  return String((reply.body.data.rowset as string[][])[0]?.[1]);
}
