/** The format that FILE_FORMAT options give a stage or a statement. */
import { StatementFailed, syntaxError, unsupported } from '../failures.js';
import type { StatementRequest } from '../process/messages.js';
import { boundText } from '../sql/names-in-text.js';
import { isSymbol, quoteName, toPieces, type Piece } from '../sql/pieces.js';
import { fullName, type FullName } from '../sql/resolve.js';
import { findFormat, missingStaged, type StageSession } from './catalogue.js';
import { defaultFormat, withOptions, type FileFormat } from './file-format.js';
import { invalidOption, nestedOptions, optionName, type Option } from './options.js';

export interface ChosenFormat {
  readonly format: FileFormat;
  /** The format object that was named, in full. */
  readonly named: FullName | null;
}

/**
 * Reads `FILE_FORMAT = (TYPE = CSV …)`, `= (FORMAT_NAME = 'f' …)`, `= f` and `=> 'f'`. Options beside a name change
 * the named format for this use. Throws StatementFailed.
 */
export async function formatOf(
  session: StageSession,
  option: Option,
  request: StatementRequest,
  start: FileFormat = defaultFormat(),
): Promise<ChosenFormat> {
  if (!option.isList) {
    const named = formatName(optionName(option), option, request);
    return { format: await namedFormat(session, named, request), named };
  }
  const options = nestedOptions(option, request.sql);
  const name = options.find((one) => one.name === 'FORMAT_NAME');
  const rest = options.filter((one) => one !== name);
  if (name === undefined) return { format: withOptions(start, rest), named: null };
  if (rest.length > 0)
    throw new StatementFailed(unsupported('FORMAT_NAME together with other format options'));
  const named = formatName(optionName(name), name, request);
  return { format: await namedFormat(session, named, request), named };
}

function formatName(pieces: readonly Piece[], option: Option, request: StatementRequest): FullName {
  const [first] = pieces;
  const isText = first?.kind === 'string' || first?.kind === 'raw';
  const text = isText ? toPieces(first.kind === 'raw' ? boundText(first) : first.value) : pieces;
  if (!('length' in text))
    throw new StatementFailed(syntaxError(request.sql, option.at.start, option.name));
  const parts = text.filter((_, index) => !isSymbol(text, index, '.')).map(({ value }) => value);
  if (parts.length === 0 || parts.length > 3) throw invalidOption(option);
  return fullName(parts, request);
}

async function namedFormat(
  session: StageSession,
  full: FullName,
  request: StatementRequest,
): Promise<FileFormat> {
  const found = await findFormat(
    session,
    fullName([full.database, full.schema, full.name], request),
  );
  if (found === undefined) throw missingStaged('File format', full);
  return found.format;
}

/** The name as statements write it. */
export function writtenName(full: FullName): string {
  const part = (name: string): string =>
    /^[A-Z_][A-Z0-9_$]*$/.test(name) ? name : quoteName(name);
  return [full.database, full.schema, full.name].map(part).join('.');
}
