/** The control document that the demo runs under. */
import { demoControlDocument } from '../../policies/control/demo.js';
import type { AdminClient } from '../admin-client.js';
import { z } from 'zod';

const VERSION = z.object({ version: z.number() });

/**
 * Puts the demo's document in force where none is: a deployment of several processes begins without one. One that is in
 * force stays as it is.
 *
 * @returns whether it was put in force.
 */
export async function ensureDemoControl(client: AdminClient): Promise<boolean> {
  const newest = await client.list('/api/v1/control/versions', 'versions', VERSION, 1);
  if (newest.rows.length > 0) return false;
  const document = demoControlDocument();
  await client.call('/api/v1/control', { document, reason: 'the demo' }, 'PUT');
  return true;
}
