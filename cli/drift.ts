/** Whether the database's control document is the one of a file; if not, what it has otherwise, who did it and why. */
import type { ControlDocument } from '../policies/control/document.js';
import { parseControlDocument } from '../policies/control/parse.js';
import { planControl } from '../policies/control/plan.js';
import type { AdminClient } from './admin-client.js';
import { driftMarkdown } from './plan-markdown.js';
import { storedReply, VERSIONS, type VersionView, versionView } from './plan-reply.js';
import { changeLines, section, versionText, wrap } from './plan-text.js';
import { VerbError } from './verb-error.js';

const VERSIONS_SHOWN = 5;

export interface DriftForm {
  readonly form: 'text' | 'markdown' | 'json';
  readonly columns: number;
}

/** Compares; the text is in the form that was asked for. */
export async function drift(
  api: AdminClient,
  document: ControlDocument,
  file: string,
  { form, columns }: DriftForm,
): Promise<{ readonly isDrifted: boolean; readonly text: string }> {
  const { rows: versions } = await api.list(VERSIONS, 'versions', versionView, VERSIONS_SHOWN);
  const newest = versions[0];
  if (newest === undefined) throw new VerbError('No control document is in force yet.');
  const { document: raw, ...inForce } = storedReply.parse(
    JSON.parse(await api.call(`${VERSIONS}/${newest.version}`)),
  );
  const stored = parseControlDocument(raw);
  if (!stored.ok)
    throw new VerbError(`Version ${inForce.version} is not valid to this program; use its own.`);
  const { changes } = planControl(document, stored.document, Date.now());
  const isDrifted = changes.length > 0;
  switch (form) {
    case 'json':
      return { isDrifted, text: JSON.stringify({ isDrifted, inForce, changes, versions }) };
    case 'markdown':
      return { isDrifted, text: driftMarkdown(file, inForce, changes, versions) };
    case 'text':
      return { isDrifted, text: driftText(file, inForce, changes, versions, columns) };
  }
}

function driftText(
  file: string,
  inForce: VersionView,
  changes: Parameters<typeof changeLines>[0],
  versions: readonly VersionView[],
  columns: number,
): string {
  const head =
    changes.length > 0
      ? `The database differs from ${file}: in force is ${versionText(inForce)}.`
      : `No drift: ${file} is what ${versionText(inForce)} says.`;
  if (changes.length === 0) return wrap(head, columns, '', '').join('\n');
  return [
    ...wrap(head, columns, '', ''),
    '',
    'What the database has that the file does not:',
    ...changeLines(changes, changes.length, columns),
    ...section('The newest versions', versions.map(versionText), columns),
    '',
    'Take it into the file, or put the file in force:',
    `  tollgate apply ${file} --expect-version ${inForce.version} --reason "<why>"`,
  ].join('\n');
}
