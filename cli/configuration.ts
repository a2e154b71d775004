/** Configuration of a verb: the environment and the settings file, with what the command line says on top. */
import { loadConfig, readEnvironment, readSources, type ConfigOutcome } from '../base/config.js';
import { VerbError } from './verb-error.js';

export type LoadedConfig = Extract<ConfigOutcome, { readonly config: unknown }>;

/** All settings, or every problem with them; `overrides` are environment names set by options. */
export function tryConfiguration(overrides: Readonly<Record<string, string>> = {}): ConfigOutcome {
  const sources = readSources({ ...readEnvironment(), ...overrides });
  return 'problems' in sources ? sources : loadConfig(sources);
}

/** Like {@link tryConfiguration}; problems end the verb, one line each. */
export function configuration(overrides: Readonly<Record<string, string>> = {}): LoadedConfig {
  const outcome = tryConfiguration(overrides);
  if ('problems' in outcome) {
    throw new VerbError(`The configuration is not valid:\n  ${outcome.problems.join('\n  ')}`);
  }
  return outcome;
}
