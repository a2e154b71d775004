/** Why a file cannot be read, for people: the system's own text names its calls. */
import { toError } from '../base/errors.js';
import { VerbError } from './verb-error.js';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'its permissions do not let this user read it',
  EISDIR: 'it is a folder',
};

/** The usage error of a file that reading has `thrown` at; any other reason is the system's. */
export function unreadable(file: string, thrown: unknown): VerbError {
  const error = toError(thrown);
  const { code } = error as { code?: unknown };
  const reason = typeof code === 'string' ? REASONS[code] : undefined;
  return new VerbError(`${file} cannot be read: ${reason ?? error.message}.`, 2);
}
