/** The options of COPY INTO <table>. What is not honoured is refused. */
import { StatementFailed, unsupported } from '../failures.js';
import type { StatementRequest } from '../process/messages.js';
import type { StageSession } from './catalogue.js';
import type { FileFormat } from './file-format.js';
import { formatOf } from './format-of.js';
import {
  invalidOption,
  optionFlag,
  optionText,
  optionTexts,
  unknownOption,
  type Option,
} from './options.js';

/** What a record in error does. */
export type OnError =
  | { readonly kind: 'abort' }
  | { readonly kind: 'continue' }
  /** Leaves the file out from this many records in error on, or above this share of them in percent. */
  | { readonly kind: 'skipFile'; readonly from: number; readonly isPercent: boolean };

export interface CopyOptions {
  readonly files: readonly string[] | undefined;
  readonly pattern: string | undefined;
  readonly format: FileFormat | undefined;
  readonly onError: OnError;
  readonly isPurging: boolean;
  readonly isForced: boolean;
  readonly match: 'NONE' | 'CASE_SENSITIVE' | 'CASE_INSENSITIVE';
  readonly returnsFailedOnly: boolean;
}

const FILES_MAX = 1000;

export async function copyOptions(
  session: StageSession,
  options: readonly Option[],
  request: StatementRequest,
  stageFormat: FileFormat | undefined,
): Promise<CopyOptions> {
  let read: CopyOptions = {
    files: undefined,
    pattern: undefined,
    format: stageFormat,
    onError: { kind: 'abort' },
    isPurging: false,
    isForced: false,
    match: 'NONE',
    returnsFailedOnly: false,
  };
  for (const option of options) {
    switch (option.name) {
      case 'FILES':
        read = { ...read, files: filesOf(option) };
        break;
      case 'PATTERN':
        read = { ...read, pattern: optionText(option) };
        break;
      case 'FILE_FORMAT': {
        const { format } = await formatOf(session, option, request, stageFormat);
        read = { ...read, format };
        break;
      }
      case 'ON_ERROR':
        read = { ...read, onError: onErrorOf(option) };
        break;
      case 'PURGE':
        read = { ...read, isPurging: optionFlag(option) };
        break;
      case 'FORCE':
        read = { ...read, isForced: optionFlag(option) };
        break;
      case 'RETURN_FAILED_ONLY':
        read = { ...read, returnsFailedOnly: optionFlag(option) };
        break;
      case 'MATCH_BY_COLUMN_NAME':
        read = { ...read, match: matchOf(option) };
        break;
      default:
        checkFixed(option);
    }
  }
  return read;
}

/** Options with the one value that is how loads work here. */
function checkFixed(option: Option): void {
  switch (option.name) {
    case 'ENFORCE_LENGTH':
      if (optionFlag(option)) return;
      break;
    case 'TRUNCATECOLUMNS':
      if (!optionFlag(option)) return;
      break;
    // What was loaded is known for as long as it counts.
    case 'LOAD_UNCERTAIN_FILES':
      optionFlag(option);
      return;
    case 'VALIDATION_MODE':
    case 'SIZE_LIMIT':
    case 'FILE_PROCESSOR':
    case 'INCLUDE_METADATA':
    case 'LOAD_MODE':
    case 'CLUSTER_AT_INGEST_TIME':
      break;
    default:
      throw unknownOption(option);
  }
  throw new StatementFailed(unsupported(`this use of ${option.name} in COPY INTO`));
}

function filesOf(option: Option): readonly string[] {
  const files = optionTexts(option);
  if (files.length === 0 || files.length > FILES_MAX) throw invalidOption(option);
  return files;
}

function onErrorOf(option: Option): OnError {
  const text = optionText(option).toUpperCase();
  if (text === 'ABORT_STATEMENT') return { kind: 'abort' };
  if (text === 'CONTINUE') return { kind: 'continue' };
  const skip = /^SKIP_FILE(?:_(\d{1,9})(%?))?$/.exec(text);
  if (skip === null) throw invalidOption(option);
  return { kind: 'skipFile', from: Number(skip[1] ?? 1), isPercent: skip[2] === '%' };
}

function matchOf(option: Option): CopyOptions['match'] {
  const text = optionText(option).toUpperCase();
  const match = (['NONE', 'CASE_SENSITIVE', 'CASE_INSENSITIVE'] as const).find(
    (one) => one === text,
  );
  if (match === undefined) throw invalidOption(option);
  return match;
}
