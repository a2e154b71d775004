/**
 * One analyser for the test files that share a process: loading the parser costs two seconds of processor time, and
 * nothing that it keeps changes an answer. Its workers end with the process.
 */
import { createAnalyser, type CountingAnalyser } from '#policies/sql/analyser.js';

let shared: CountingAnalyser | undefined;

/** The analyser, with time enough for a busy machine; nobody stops it. */
export function sharedAnalyser(): CountingAnalyser {
  shared ??= createAnalyser({
    parser: { deadlineMs: 10_000, waitMsMax: 60_000, spareCount: 0 },
  });
  return shared;
}
