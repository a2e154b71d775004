#!/usr/bin/env node
/** Only the preparing: `npm test` and the other scripts run it before what needs dist. */
import { nodeTooOld } from './node-version.js';

const tooOld = nodeTooOld(process.versions.node);
if (tooOld === undefined) {
  const { prepare, PreparationError, rootFolder } = await import('./preparation.js');
  try {
    await prepare(rootFolder(), (line) => process.stderr.write(`tollgate: ${line}\n`));
  } catch (thrown) {
    process.stderr.write(
      `tollgate: ${thrown instanceof PreparationError ? thrown.message : thrown.stack}\n`,
    );
    process.exitCode = 1;
  }
} else {
  process.stderr.write(`${tooOld}\n`);
  process.exitCode = 1;
}
