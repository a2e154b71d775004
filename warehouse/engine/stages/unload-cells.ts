/** Values as text in unloaded files. */
import { DuckDBTypeId, type DuckDBType } from '@duckdb/node-api';
import { quoteDuckText } from '../sql/pieces.js';
import { rowTypeOf } from '../statement/cells.js';
import { formatList, formatText, type FileFormat } from './file-format.js';

/** SQL for the text of `cell`, an expression of DuckDB type `type`. AUTO formats are Snowflake's defaults for output. */
export function unloadCell(cell: string, type: DuckDBType, format: FileFormat): string {
  switch (rowTypeOf('', type).type) {
    case 'date':
      return formatted(`${cell}::TIMESTAMP`, formatText(format, 'DATE_FORMAT'), 'YYYY-MM-DD');
    case 'time':
      return formatted(
        `(DATE '1970-01-01' + ${cell}::TIME)`,
        formatText(format, 'TIME_FORMAT'),
        'HH24:MI:SS',
      );
    case 'timestamp_ntz':
      return formatted(
        `${cell}::TIMESTAMP`,
        formatText(format, 'TIMESTAMP_FORMAT'),
        'YYYY-MM-DD HH24:MI:SS.FF3',
      );
    case 'timestamp_ltz':
      return formatted(
        `${cell}::TIMESTAMP`,
        formatText(format, 'TIMESTAMP_FORMAT'),
        'YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM',
      );
    case 'binary':
      return formatText(format, 'BINARY_FORMAT') === 'BASE64'
        ? `to_base64(${cell}::BLOB)`
        : formatText(format, 'BINARY_FORMAT') === 'UTF8'
          ? `decode(${cell}::BLOB)`
          : `hex(${cell}::BLOB)`;
    case 'array':
    case 'object':
    case 'timestamp_tz':
      return `to_json(${cell})::VARCHAR`;
    case 'real':
      return `regexp_replace(${cell}::VARCHAR, '\\.0$', '')`;
    default:
      return type.typeId === DuckDBTypeId.VARCHAR ? `${cell}::VARCHAR` : `CAST(${cell} AS VARCHAR)`;
  }
}

function formatted(value: string, stated: string | null, usual: string): string {
  const format = stated === null || stated === 'AUTO' ? usual : stated;
  return `tg_print_time(epoch_us(${value}), 0, ${quoteDuckText(format)})`;
}

/** One record of a delimited file, with its delimiter. NULL is the first of NULL_IF. */
export function csvLine(cells: readonly (string | null)[], format: FileFormat): string {
  const delimiter = formatText(format, 'FIELD_DELIMITER') ?? '';
  const record = formatText(format, 'RECORD_DELIMITER') ?? '';
  return cells.map((cell) => csvField(cell, format, delimiter, record)).join(delimiter) + record;
}

function csvField(
  cell: string | null,
  format: FileFormat,
  delimiter: string,
  record: string,
): string {
  if (cell === null) return formatList(format, 'NULL_IF')[0] ?? '';
  const quote = formatText(format, 'FIELD_OPTIONALLY_ENCLOSED_BY');
  const escape = formatText(format, 'ESCAPE');
  if (quote !== null) {
    const inner = escape === null ? cell : cell.replaceAll(escape, escape + escape);
    return quote + inner.replaceAll(quote, (escape ?? quote) + quote) + quote;
  }
  const mark = escape ?? formatText(format, 'ESCAPE_UNENCLOSED_FIELD');
  if (mark === null) return cell;
  let out = cell.replaceAll(mark, mark + mark);
  for (const part of [delimiter, record])
    if (part !== '' && part !== mark) out = out.replaceAll(part, mark + part);
  return out;
}
