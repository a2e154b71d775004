/** CREATE, DROP, ALTER, TRUNCATE: databases and schemas by our own reading, tables and views through translation. */
import type { RowsAsText } from '../process/messages.js';
import { StatementFailed, unsupported } from '../failures.js';
import type { Running, Session } from './session.js';

/** Runs a definition; answers one `status` row. */
export function runDdl(_session: Session, running: Running): Promise<RowsAsText> {
  throw new StatementFailed(
    unsupported(
      running.pieces
        .slice(0, 3)
        .map(({ value }) => value)
        .join(' '),
    ),
  );
}
