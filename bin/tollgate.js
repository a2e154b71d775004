#!/usr/bin/env node
/** Installs and builds what is missing, then runs the command line of dist. */
import { nodeTooOld } from './node-version.js';

// What is still open when a verb has ended must not keep the process; output has long been flushed by then.
const LINGER_MS = 1000;

// snowflake-sdk looks for a cloud's metadata service and sends telemetry from the moment it is loaded, unless told before.
process.env.SNOWFLAKE_DISABLE_PLATFORM_DETECTION ??= 'true';
process.env.SF_TELEMETRY_DISABLE_CONNECTION_SHAPE ??= '1';
process.env.SNOWFLAKE_DISABLE_MINICORE ??= '1';
// Its parts for Amazon print a warning about Node 20, which people who read the output of a verb can do nothing about.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

async function run() {
  const tooOld = nodeTooOld(process.versions.node);
  if (tooOld !== undefined) {
    process.stderr.write(`${tooOld}\n`);
    return 1;
  }
  const { prepare, PreparationError, rootFolder } = await import('./preparation.js');
  try {
    await prepare(rootFolder(), (line) => process.stderr.write(`tollgate: ${line}\n`));
  } catch (thrown) {
    if (!(thrown instanceof PreparationError)) throw thrown;
    process.stderr.write(`tollgate: ${thrown.message}\n`);
    return 1;
  }
  const { main } = await import('../dist/cli/main.js');
  return main(process.argv.slice(2));
}

// A reader such as `head` that has seen enough is no failure.
process.stdout.on('error', (cause) => {
  if (cause.code !== 'EPIPE') throw cause;
  process.exit();
});
process.exitCode = await run();
setTimeout(() => process.exit(), LINGER_MS).unref();
