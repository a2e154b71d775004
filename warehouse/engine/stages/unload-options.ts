/** The options of COPY INTO <location>. What is not honoured is refused. */
import { StatementFailed, unsupported } from '../failures.js';
import type { StatementRequest } from '../process/messages.js';
import { isWord, type Piece } from '../sql/pieces.js';
import type { StageSession } from './catalogue.js';
import { defaultFormat, formatText, type FileFormat } from './file-format.js';
import { formatOf } from './format-of.js';
import { optionCount, optionFlag, readOptions, unknownOption, type Option } from './options.js';

export interface UnloadOptions {
  readonly format: FileFormat | undefined;
  readonly isOverwriting: boolean;
  readonly isSingle: boolean;
  readonly hasHeader: boolean;
  /** Bytes before compression at which a file ends. */
  readonly fileBytesMax: number;
  /** What a file's name ends in, with its dots. */
  readonly extension: string;
}

const FILE_BYTES = 16 * 1024 * 1024;
const ENDINGS: Readonly<Record<string, string>> = {
  AUTO: '.gz',
  GZIP: '.gz',
  NONE: '',
  DEFLATE: '.deflate',
  RAW_DEFLATE: '.raw_deflate',
  BROTLI: '.br',
};

/** Reads the options from piece `from` on. Throws StatementFailed. */
export async function unloadOptions(
  session: StageSession,
  pieces: readonly Piece[],
  from: number,
  request: StatementRequest,
  stageFormat: FileFormat | undefined,
): Promise<UnloadOptions> {
  if (isWord(pieces, from, 'PARTITION'))
    throw new StatementFailed(unsupported('PARTITION BY in COPY INTO a stage'));
  let format = stageFormat;
  let read = {
    isOverwriting: false,
    isSingle: false,
    hasHeader: false,
    fileBytesMax: FILE_BYTES,
  };
  for (const option of readOptions(pieces, from, pieces.length, request.sql)) {
    switch (option.name) {
      case 'FILE_FORMAT':
        format = (await formatOf(session, option, request, stageFormat)).format;
        break;
      case 'OVERWRITE':
        read = { ...read, isOverwriting: optionFlag(option) };
        break;
      case 'SINGLE':
        read = { ...read, isSingle: optionFlag(option) };
        break;
      case 'HEADER':
        read = { ...read, hasHeader: optionFlag(option) };
        break;
      case 'MAX_FILE_SIZE':
        read = { ...read, fileBytesMax: Math.max(1, optionCount(option)) };
        break;
      default:
        checkFixed(option);
    }
  }
  if (format?.type === 'PARQUET' && formatText(format, 'COMPRESSION') === 'GZIP')
    throw new StatementFailed(unsupported('COMPRESSION = GZIP in COPY INTO a stage as Parquet'));
  return { ...read, format, extension: extensionOf(format ?? defaultFormat()) };
}

function checkFixed(option: Option): void {
  switch (option.name) {
    case 'DETAILED_OUTPUT':
    case 'INCLUDE_QUERY_ID':
      if (!optionFlag(option)) return;
      break;
    case 'VALIDATION_MODE':
      break;
    default:
      throw unknownOption(option);
  }
  throw new StatementFailed(unsupported(`${option.name} in COPY INTO a stage`));
}

function extensionOf(format: FileFormat): string {
  const stated = formatText(format, 'FILE_EXTENSION');
  const compression = formatText(format, 'COMPRESSION') ?? 'AUTO';
  if (format.type === 'PARQUET') return compression === 'NONE' ? '.parquet' : '.snappy.parquet';
  const own = stated ?? `.${format.type.toLowerCase()}`;
  return `${own.startsWith('.') ? own : `.${own}`}${ENDINGS[compression] ?? ''}`;
}
