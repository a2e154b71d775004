/** How many arguments a function takes: a call with fewer or more fails as Snowflake fails it. */
import { failure, StatementFailed } from '../../failures.js';
import { render } from '../pieces.js';
import type { CallSite } from './call-site.js';
import type { CallRewriting } from './family.js';

/** `rewriting` for calls of `min` to `max` arguments; fails with 000938 for fewer and 000939 for more. */
export function taking(min: number, max: number, rewriting: CallRewriting): CallRewriting {
  return (call) => {
    checkArity(call, min, max);
    rewriting(call);
  };
}

/** Fails with 000938 or 000939 unless the call has `min` to `max` arguments. */
export function checkArity(call: CallSite, min: number, max: number): void {
  const count = call.args.length;
  if (count >= min && count <= max) return;
  const isShort = count < min;
  const text = `${call.name}(${render(call.pieces.slice(call.open + 1, call.close))})`;
  throw new StatementFailed(
    failure(
      isShort ? '000938' : '000939',
      '22023',
      `SQL compilation error: error line 1 at position ${Math.max(0, call.pieces[call.at]?.start ?? 0)}\n${isShort ? 'not enough' : 'too many'} arguments for function [${text}] expected ${isShort ? min : max}, got ${count}`,
    ),
  );
}
