/**
 * Installs and builds what is missing before anything of ours is loaded. Node built-ins only, because nothing may be
 * installed yet. One process at a time does it, under the lock that the test support's build takes too.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { takeLock } from './lock.js';

const LOCK_WAIT_MS = 15 * 60_000;
const LOCK_POLL_MS = 200;
const OUTPUT_MAX = 64 * 1024;
const SKIPPED = new Set(['node_modules', 'dist', 'coverage']);
/** Not of the compiler. Below other folders these names hold its sources: admin/console, test/console. */
const SKIPPED_AT_ROOT = new Set(['docs', 'bin', 'console']);
const SOURCES = /(?<!\.test)\.ts$|^(tsconfig.*|package|package-lock)\.json$/;

/** Something that a person has to put right; its message says what and how. */
export class PreparationError extends Error {}

/** The folder that holds package.json. */
export function rootFolder() {
  return path.dirname(path.dirname(fileURLToPath(import.meta.url)));
}

/**
 * Brings node_modules and dist up to date with package-lock.json and the sources; returns at once when they are.
 * A tree without tsconfig.build.json is a deployed one, which holds dist and node_modules and needs nothing.
 * @param {string} root the folder that holds package.json
 * @param {(line: string) => void} print told one line a step
 */
export async function prepare(root, print) {
  if (!fs.existsSync(path.join(root, 'tsconfig.build.json'))) return;
  if (isInstalled(root) && isBuilt(root) && isConsoleBuilt(root)) return;
  let release;
  try {
    fs.mkdirSync(path.join(root, 'dist'), { recursive: true });
    release = await waitForLock(path.join(root, 'dist', '.build.lock'), print);
  } catch (thrown) {
    throw explained(thrown, root);
  }
  process.once('exit', release);
  try {
    if (!isInstalled(root)) await install(root, print);
    if (!isBuilt(root)) await build(root, print);
    if (!isConsoleBuilt(root)) await buildConsole(root, print);
  } catch (thrown) {
    throw explained(thrown, root);
  } finally {
    process.removeListener('exit', release);
    release();
  }
}

async function waitForLock(file, print) {
  const deadline = Date.now() + LOCK_WAIT_MS;
  let isTold = false;
  for (;;) {
    const outcome = takeLock(file);
    if (outcome.release !== undefined) return outcome.release;
    if (Date.now() > deadline) {
      throw new PreparationError(
        `process ${outcome.pid} has been installing or building for 15 minutes; end it, or delete ${file}`,
      );
    }
    if (!isTold) print(`waiting for process ${outcome.pid}, which is installing and building`);
    isTold = true;
    await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
  }
}

// The stamp holds the hash, because a checkout changes times without changing the content; npm's own record
// serves where somebody installed by hand.
function isInstalled(root) {
  const stamp = readIfThere(path.join(root, 'node_modules', '.tollgate-installed'));
  if (stamp !== undefined) return stamp === hashOfLock(root);
  const record = changedAt(path.join(root, 'node_modules', '.package-lock.json'));
  return record !== undefined && record >= (changedAt(path.join(root, 'package-lock.json')) ?? 0);
}

function hashOfLock(root) {
  const text = fs.readFileSync(path.join(root, 'package-lock.json'));
  return createHash('sha256').update(text).digest('hex');
}

async function install(root, print) {
  const flags = [
    '--include=dev',
    '--include=optional',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ];
  print('installing dependencies (npm ci; half a minute the first time)');
  const startedAt = Date.now();
  const run = await runToEnd(root, 'npm', ['ci', ...flags], process.platform === 'win32');
  if (run.code !== 0) {
    throw new PreparationError(`npm ci ended with ${run.code}:\n${run.output.trimEnd()}`);
  }
  fs.writeFileSync(path.join(root, 'node_modules', '.tollgate-installed'), hashOfLock(root));
  print(`installed in ${seconds(startedAt)}`);
}

function isBuilt(root) {
  const builtAt = changedAt(path.join(root, 'dist', '.built-from'));
  return builtAt !== undefined && sourcesChangedAt(root) < builtAt;
}

async function build(root, print) {
  const compiler = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  if (!fs.existsSync(compiler)) {
    throw new PreparationError(
      'the compiler is not in node_modules; delete that folder and start again',
    );
  }
  const startedAt = Date.now();
  const run = await runToEnd(
    root,
    process.execPath,
    [compiler, '-p', 'tsconfig.build.json'],
    false,
  );
  if (run.code !== 0) {
    throw new PreparationError(`the build ended with ${run.code}:\n${run.output.trimEnd()}`);
  }
  // Sources saved while the compiler ran are newer than this and make the next start build again.
  const stamp = path.join(root, 'dist', '.built-from');
  fs.writeFileSync(stamp, '');
  fs.utimesSync(stamp, startedAt / 1000, startedAt / 1000);
  print(`built in ${seconds(startedAt)}`);
}

// A stamp of its own, because the build of the tests compiles the sources alone.
function isConsoleBuilt(root) {
  const sources = path.join(root, 'console');
  if (!fs.existsSync(path.join(sources, 'vite.config.ts'))) return true;
  const builtAt = changedAt(path.join(root, 'dist', 'console', '.built-from'));
  return builtAt !== undefined && sourcesChangedAt(sources, /./) < builtAt;
}

async function buildConsole(root, print) {
  const bundler = path.join(root, 'node_modules', 'vite', 'bin', 'vite.js');
  const startedAt = Date.now();
  const command = [bundler, 'build', '--config', path.join('console', 'vite.config.ts')];
  // A test run says otherwise, and its bundle would carry the checks of development, a tenth more.
  const env = { ...process.env, NODE_ENV: 'production' };
  const run = await runToEnd(root, process.execPath, command, false, env);
  if (run.code !== 0) {
    throw new PreparationError(
      `the build of the console ended with ${run.code}:\n${run.output.trimEnd()}`,
    );
  }
  const stamp = path.join(root, 'dist', 'console', '.built-from');
  fs.writeFileSync(stamp, '');
  fs.utimesSync(stamp, startedAt / 1000, startedAt / 1000);
  print(`built the console in ${seconds(startedAt)}`);
}

function sourcesChangedAt(root, names = SOURCES) {
  let newest = 0;
  const visit = (folder) => {
    for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
      if (entry.name.startsWith('.') || SKIPPED.has(entry.name)) continue;
      if (folder === root && SKIPPED_AT_ROOT.has(entry.name)) continue;
      const file = path.join(folder, entry.name);
      if (entry.isDirectory()) visit(file);
      else if (names.test(entry.name)) {
        newest = Math.max(newest, changedAt(file) ?? 0);
      }
    }
  };
  visit(root);
  return newest;
}

/** Runs a program, keeping the last part of what it printed; a signal to us ends it too. */
function runToEnd(cwd, command, args, shell, env = process.env) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, shell, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const keep = (chunk) => {
      output = (output + chunk).slice(-OUTPUT_MAX);
    };
    const pass = (signal) => child.kill(signal);
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    process.on('SIGINT', pass).on('SIGTERM', pass);
    const settle = (finish) => {
      process.removeListener('SIGINT', pass).removeListener('SIGTERM', pass);
      finish();
    };
    child.once('error', (cause) => settle(() => reject(cause)));
    child.once('close', (code, signal) => settle(() => resolve({ code: code ?? signal, output })));
  });
}

function explained(thrown, root) {
  const isRefused = ['EACCES', 'EPERM', 'EROFS'].includes(thrown.code);
  if (isRefused) {
    return new PreparationError(
      `dependencies or the build are missing or out of date, and this user may not write to ${root} (${thrown.code}).\n` +
        'Run `npm ci && npm run build` there once as its owner, or clone to a folder of your own.',
    );
  }
  if (thrown.code === 'ENOENT' && thrown.path === 'npm') {
    return new PreparationError(
      'npm is not on the PATH; install Node.js with npm, then start again',
    );
  }
  return thrown;
}

function readIfThere(file) {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : undefined;
}

function changedAt(file) {
  return fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs;
}

function seconds(startedAt) {
  return `${((Date.now() - startedAt) / 1000).toFixed(1)} s`;
}
