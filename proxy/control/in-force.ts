/** The control version that a request goes by, or a part of it. */
import { Fault } from '#base/errors.js';

/** What is known; Fault `controlStale` while no snapshot has been loaded. */
export function inForce<Known>(known: Known | undefined): Known {
  if (known === undefined)
    throw new Fault('controlStale', 'no control snapshot has been loaded yet');
  return known;
}
