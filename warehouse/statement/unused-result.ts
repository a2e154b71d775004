import type { Engine } from '../engine/engine.js';
import type { Outcome } from './outcome.js';

/**
 * How a statement ends whose engine made `made`: `ended`. Pages of a result that is not what it ends with, because of a
 * time limit or a cancel, are deleted.
 */
export function endingWith(engine: Engine, made: Outcome, ended: Outcome): Outcome {
  if (ended !== made && made.kind === 'rows' && made.stored !== undefined)
    engine.dropResult(made.stored.id);
  return ended;
}
